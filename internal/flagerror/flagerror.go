// Package flagerror says in words what is wrong with the value of a command line flag:
// what the parser of flags says names functions of Go's library.
package flagerror

import (
	"errors"
	"strconv"
	"strings"
)

// Text is the error of a flag's parser, with what is wanted in place of the words of strconv and time.
func Text(err error) string {
	text := err.Error()
	var number *strconv.NumError
	if errors.As(err, &number) {
		return strings.Replace(text, number.Error(), wantedOf(number), 1)
	}
	if before, _, isTime := strings.Cut(text, "flag: time: "); isTime {
		return before + "flag: want a number with a unit, as 500ms, 10s or 1m30s"
	}
	return text
}

// wantedOf is what should stand where a number could not be read.
func wantedOf(e *strconv.NumError) string {
	switch {
	case e.Func == "ParseBool":
		return "want true or false"
	case errors.Is(e.Err, strconv.ErrRange):
		return "the number is too large"
	case e.Func == "ParseUint":
		return "want a whole number from 0"
	case e.Func == "ParseFloat":
		return "want a number"
	}
	return "want a whole number"
}
