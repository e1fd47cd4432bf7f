package program

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"

	"github.com/urfave/cli/v2"
)

// Listen opens the socket that two flags name. The error says which flag to
// change.
func Listen(c *cli.Context, addrFlag, portFlag string) (net.Listener, error) {
	address := net.JoinHostPort(c.String(addrFlag), strconv.Itoa(c.Int(portFlag)))
	listener, err := net.Listen("tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("cannot listen on %s: the port is in use by another process; choose another by --%s, or 0 for any free one", address, portFlag)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("cannot listen on %s: ports below 1024 need privileges; choose another by --%s", address, portFlag)
	case err != nil:
		return nil, fmt.Errorf("cannot listen on %s (--%s, --%s): %w", address, addrFlag, portFlag, err)
	}
	return listener, nil
}
