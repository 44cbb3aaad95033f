// gmtls of github.com/tjfoc/gmsm as the other end of national TLS: one connection, what it hears it says again.
//
//	server FOLDER required|none SUITE     prints its port, then what it agreed on
//	client FOLDER ADDRESS SUITE with|without    says "hello" and prints the answer
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/tjfoc/gmsm/gmtls"
	"github.com/tjfoc/gmsm/x509"
)

func must(err error) {
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
}

func pair(folder, side, use string) gmtls.Certificate {
	path := func(end string) string { return filepath.Join(folder, side+"-"+use+end) }
	made, err := gmtls.LoadX509KeyPair(path(".pem"), path(".key"))
	must(err)
	return made
}

func configuration(folder, suite string) *gmtls.Config {
	number, err := strconv.ParseUint(suite, 0, 16)
	must(err)
	text, err := os.ReadFile(filepath.Join(folder, "ca.pem"))
	must(err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return &gmtls.Config{
		GMSupport: &gmtls.GMSupport{}, CipherSuites: []uint16{uint16(number)}, RootCAs: pool, ClientCAs: pool, ServerName: "localhost",
	}
}

func serve(folder, auth, suite string) {
	config := configuration(folder, suite)
	config.Certificates = []gmtls.Certificate{pair(folder, "server", "sign"), pair(folder, "server", "encrypt")}
	if auth == "required" {
		config.ClientAuth = gmtls.RequireAndVerifyClientCert
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	raw, err := listener.Accept()
	must(err)
	connection := gmtls.Server(raw, config)
	must(connection.Handshake())
	state := connection.ConnectionState()
	fmt.Printf("agreed 0x%04x %d\n", state.CipherSuite, len(state.PeerCertificates))
	_, err = io.Copy(connection, connection)
	must(err)
	must(connection.Close())
}

func ask(folder, address, suite, own string) {
	config := configuration(folder, suite)
	if own == "with" {
		config.Certificates = []gmtls.Certificate{pair(folder, "client", "sign"), pair(folder, "client", "encrypt")}
	}
	connection, err := gmtls.Dial("tcp", address, config)
	must(err)
	_, err = connection.Write([]byte("hello"))
	must(err)
	heard := make([]byte, 5)
	_, err = io.ReadFull(connection, heard)
	must(err)
	fmt.Printf("heard %s 0x%04x\n", heard, connection.ConnectionState().CipherSuite)
	must(connection.Close())
}

func main() {
	if os.Args[1] == "server" {
		serve(os.Args[2], os.Args[3], os.Args[4])
	} else {
		ask(os.Args[2], os.Args[3], os.Args[4], os.Args[5])
	}
}
