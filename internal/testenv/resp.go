package testenv

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// askMax bounds a command where the context does not.
const askMax = 10 * time.Second

// ask sends one command and reads its answer. So little of Redis's protocol is needed here that a client
// with its pools and goroutines would be more to understand.
func ask(ctx context.Context, addr string, args []string) (answer string, err error) {
	ctx, cancel := context.WithTimeout(ctx, askMax)
	defer cancel()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return "", err
		}
	}
	var request strings.Builder
	fmt.Fprintf(&request, "*%d\r\n", len(args))
	for _, arg := range args {
		fmt.Fprintf(&request, "$%d\r\n%s\r\n", len(arg), arg)
	}
	if _, err := io.WriteString(conn, request.String()); err != nil {
		return "", err
	}
	return readAnswer(bufio.NewReader(conn))
}

// readAnswer reads one value of RESP2. An error of the server's is an error here.
func readAnswer(r *bufio.Reader) (string, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return "", err
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return "", errAnswer
	}
	kind, rest := line[0], line[1:]
	switch kind {
	case '+', ':':
		return rest, nil
	case '-':
		return "", errors.New(rest)
	case '$', '*':
		n, err := strconv.Atoi(rest)
		switch {
		case err != nil:
			return "", fmt.Errorf("%w: %q", errAnswer, line)
		case n < 0:
			return "", nil
		case kind == '$':
			return readBulk(r, n)
		default:
			return readList(r, n)
		}
	default:
		return "", fmt.Errorf("%w: %q", errAnswer, line)
	}
}

func readBulk(r *bufio.Reader, n int) (string, error) {
	text := make([]byte, n+len("\r\n"))
	if _, err := io.ReadFull(r, text); err != nil {
		return "", err
	}
	return string(text[:n]), nil
}

func readList(r *bufio.Reader, n int) (string, error) {
	elements := make([]string, n)
	for i := range elements {
		element, err := readAnswer(r)
		if err != nil {
			return "", err
		}
		elements[i] = element
	}
	return strings.Join(elements, "\n"), nil
}
