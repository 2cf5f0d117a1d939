// The test service in Go, on grpc-go: a server, and a client that calls it in every way.
//
//	peer server PORT [gzip] [CERTIFICATE KEY]
//	peer client HOST:PORT [CERTIFICATE-AUTHORITY]
package main

import (
	"fmt"
	"os"
)

const (
	serviceName  = "h2sync.testing.TestService"
	echoInitial  = "x-grpc-test-echo-initial"
	echoTrailing = "x-grpc-test-echo-trailing-bin"
	maxMessage   = 64 << 20
)

func main() {
	if len(os.Args) < 3 {
		fail("usage: peer server|client ADDRESS [...]")
	}
	switch os.Args[1] {
	case "server":
		serve(os.Args[2], os.Args[3:])
	case "client":
		call(os.Args[2], os.Args[3:])
	default:
		fail("neither server nor client: " + os.Args[1])
	}
}

func fail(what interface{}) {
	fmt.Fprintln(os.Stderr, what)
	os.Exit(1)
}
