package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ringcast/ringcast"
	"github.com/ringcast/ringcast/internal/jsonform"
	"github.com/spf13/cobra"
)

// A fieldsInput makes requests of arguments and of the standard input.
type fieldsInput struct {
	form      string
	said      bool // form was given
	separator string
	decoder   string
}

func (i *fieldsInput) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVarP(&i.form, "input", "i", "auto", "what the request is made of: args, plain, delimited, json, lines")
	f.StringVar(&i.separator, "in-sep", `\n`, `what stands behind each field of --input delimited; \n \t \0 \\ as in C`)
	f.StringVarP(&i.decoder, "decoder", "d", "plain", "how fields are written: plain, base64, hex")
}

// A textCodec is a way to write bytes as text.
type textCodec struct {
	encode func([]byte) string
	decode func(string) ([]byte, error)
}

var codecs = map[string]textCodec{
	"plain":  {func(b []byte) string { return string(b) }, func(s string) ([]byte, error) { return []byte(s), nil }},
	"base64": {base64.StdEncoding.EncodeToString, base64.StdEncoding.DecodeString},
	"hex":    {hex.EncodeToString, hex.DecodeString},
}

// separatorOf reads a separator with the escapes of C.
func separatorOf(flag, text string) (string, error) {
	s, err := strconv.Unquote(`"` + strings.NewReplacer(`\0`, `\x00`, `"`, `\"`).Replace(text) + `"`)
	if err != nil || s == "" {
		return "", usage(`--%s %q: want one byte or more, with \n, \t, \0 and \\ as in C`, flag, text)
	}
	return s, nil
}

// complete checks the flags and says which form it is, by the arguments.
func (i *fieldsInput) complete(args []string) (err error) {
	if _, known := codecs[i.decoder]; !known {
		return usage("--decoder %q: want plain, base64 or hex", i.decoder)
	}
	if i.separator, err = separatorOf("in-sep", i.separator); err != nil {
		return err
	}
	i.said = i.form != "auto"
	switch i.form {
	case "args":
		return nil
	case "auto":
		switch len(args) {
		case 0:
			i.form = "lines"
		case 1:
			i.form = "argument"
		default:
			i.form = "args"
		}
		return nil
	case "plain", "delimited", "json", "lines":
		if len(args) > 0 {
			return usage("--input %s reads the standard input: leave the arguments behind the name away", i.form)
		}
		return nil
	}
	return usage("--input %q: want args, plain, delimited, json or lines", i.form)
}

// marks are those of the requests.
func (i *fieldsInput) marks() ringcast.Marks {
	switch i.form {
	case "args", "delimited", "json":
		return ringcast.Fielded
	}
	return ringcast.Marks{}
}

// requests calls fn with the payload of each request: one, or one a line.
func (i *fieldsInput) requests(args []string, stdin io.Reader, fn func([]byte) error) error {
	switch i.form {
	case "lines":
		return i.lines(stdin, fn)
	case "argument":
		return i.whole(args, fn)
	case "args":
		return i.list(args, fn)
	}
	text, err := io.ReadAll(stdin)
	if err != nil {
		return fmt.Errorf("input: %w", err)
	}
	switch i.form {
	case "plain":
		return i.whole([]string{string(text)}, fn)
	case "json":
		list, err := jsonform.ParseArray(text)
		if err != nil {
			return usage("input: want a JSON array: %w", err)
		}
		return i.list(asTexts(list), fn)
	}
	if len(text) == 0 {
		return i.list(nil, fn)
	}
	return i.list(strings.Split(strings.TrimSuffix(string(text), i.separator), i.separator), fn)
}

// begun is the standard input, to read requests from. Where nobody said that lines are wanted, it waits for the first, and
// none is an error: a call that asks nothing, since a script's standard input is empty, would pass for one that was answered.
func (i *fieldsInput) begun(stdin io.Reader) (io.Reader, error) {
	if i.form != "lines" || i.said {
		return stdin, nil
	}
	r := bufio.NewReader(stdin)
	if _, err := r.Peek(1); err != io.EOF {
		return r, nil // another error comes again
	}
	return nil, &exitError{code: exitUsage, err: errors.New("no request: there is no argument, and the standard input is empty"),
		advice: "Pass '' as the argument to send an empty request, or --input lines where there may be no line."}
}

// lines makes a raw payload of each line.
func (i *fieldsInput) lines(stdin io.Reader, fn func([]byte) error) error {
	return eachLine(stdin, func(line []byte) error { return i.whole([]string{string(line)}, fn) })
}

// whole makes one raw payload.
func (i *fieldsInput) whole(one []string, fn func([]byte) error) error {
	b, err := i.decode(one[0], 0)
	if err != nil {
		return err
	}
	return fn(b)
}

func asTexts(list [][]byte) []string {
	out := make([]string, len(list))
	for i, b := range list {
		out[i] = string(b)
	}
	return out
}

// list makes one payload of fields.
func (i *fieldsInput) list(list []string, fn func([]byte) error) error {
	var payload []byte
	for n, text := range list {
		b, err := i.decode(text, n)
		if err != nil {
			return err
		}
		payload = ringcast.AppendFields(payload, b)
	}
	return fn(payload)
}

func (i *fieldsInput) decode(text string, n int) ([]byte, error) {
	b, err := codecs[i.decoder].decode(text)
	if err != nil {
		return nil, usage("field %d: no %s: %s", n+1, i.decoder, strings.TrimPrefix(err.Error(), "encoding/hex: "))
	}
	return b, nil
}

// A fieldsOutput writes replies.
type fieldsOutput struct {
	form      string
	separator string
	encoder   string
	pretty    bool
}

func (o *fieldsOutput) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVarP(&o.form, "output", "o", "delimited", "how replies are written: delimited, plain (fields one behind the other), json (an array a reply), empty")
	f.StringVar(&o.separator, "out-sep", `\n`, `what is put behind each field of --output delimited; \n \t \0 \\ as in C`)
	f.StringVarP(&o.encoder, "encoder", "e", "plain", "how fields are written: plain, base64, hex")
	f.BoolVarP(&o.pretty, "pretty", "p", false, "--output json over several lines")
}

func (o *fieldsOutput) complete() (err error) {
	if _, known := codecs[o.encoder]; !known {
		return usage("--encoder %q: want plain, base64 or hex", o.encoder)
	}
	switch o.form {
	case "delimited", "plain", "json", "empty":
	default:
		return usage("--output %q: want delimited, plain, json or empty", o.form)
	}
	o.separator, err = separatorOf("out-sep", o.separator)
	return err
}

// write writes one reply.
func (o *fieldsOutput) write(w io.Writer, list [][]byte) error {
	if o.form == "empty" {
		return nil
	}
	texts := []string{}
	for _, f := range list {
		texts = append(texts, codecs[o.encoder].encode(f))
	}
	out := []byte(strings.Join(texts, ""))
	switch o.form {
	case "json":
		var err error
		if out, err = o.json(texts); err != nil {
			return err
		}
	case "delimited":
		if out = nil; len(texts) > 0 {
			out = []byte(strings.Join(texts, o.separator) + o.separator)
		}
	}
	_, err := w.Write(out)
	return err
}

// json is a reply as a line, or several. What JSON can't say is an error, and not something else.
func (o *fieldsOutput) json(texts []string) ([]byte, error) {
	for i, s := range texts {
		if !utf8.ValidString(s) {
			return nil, fmt.Errorf("field %d of the reply is no UTF-8, which JSON has to be: pass --encoder base64 or hex", i+1)
		}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if o.pretty {
		e.SetIndent("", "  ")
	}
	err := e.Encode(texts)
	return b.Bytes(), err
}
