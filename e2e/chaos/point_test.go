package chaos_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// points is the switchboard of a server's failpoints.
type points struct{ address string }

// pointMax bounds one request to it. A paused server does not answer.
const pointMax = 5 * time.Second

// halt makes whoever reaches a point wait there for so long that it never goes on: the server is killed
// meanwhile.
const halt = "sleep(600000)"

// arm sets what happens at a point.
func (p points) arm(ctx context.Context, point, terms string) error {
	_, err := p.ask(ctx, http.MethodPut, point, terms)
	return err
}

// disarm ends what happens at a point, except for those who wait there.
func (p points) disarm(ctx context.Context, point string) error {
	_, err := p.ask(ctx, http.MethodDelete, point, "")
	return err
}

// reached is how often somebody came to a point since it was armed.
func (p points) reached(ctx context.Context, point string) (int, error) {
	text, err := p.ask(ctx, http.MethodGet, point+"/count", "")
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(text))
}

func (p points) ask(ctx context.Context, method, path, body string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, pointMax)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+p.address+"/"+path, bytes.NewReader([]byte(body)))
	if err != nil {
		return "", err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode >= http.StatusBadRequest {
		err = fmt.Errorf("the failpoint %s: %s: %s", path, res.Status, text)
	}
	return string(text), err
}
