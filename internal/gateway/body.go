package gateway

import (
	"errors"
	"io"
	"net/http"
	"os"
	"time"
)

// readBody reads the body of a request within the gateway's limits.
func (g *Gateway) readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	if r.ContentLength > g.config.MaxBody {
		return nil, &http.MaxBytesError{Limit: g.config.MaxBody}
	}
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(g.config.BodyTime)) // net/http can
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, g.config.MaxBody))
	var large *http.MaxBytesError
	switch {
	case err == nil:
		_ = control.SetReadDeadline(time.Time{})
		return body, nil
	case errors.As(err, &large):
		return nil, err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, newProblem(http.StatusRequestTimeout, "body-timeout", "the body took longer than %v", g.config.BodyTime)
	}
	return nil, badRequest("body: %v", err)
}
