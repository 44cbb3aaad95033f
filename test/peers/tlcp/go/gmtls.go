//go:build !gotlcp

// The library is gmtls of github.com/tjfoc/gmsm.
package main

import (
	"net"
	"os"

	"github.com/tjfoc/gmsm/gmtls"
	"github.com/tjfoc/gmsm/x509"
)

func configure(question Question) (func(net.Conn) secured, error) {
	text, fault := os.ReadFile(question.CA)
	if fault != nil {
		return nil, fault
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	config := &gmtls.Config{
		GMSupport: &gmtls.GMSupport{}, CipherSuites: []uint16{question.Suite}, RootCAs: pool, ClientCAs: pool,
		ServerName: "localhost",
	}
	for i := 0; i+1 < len(question.Pair); i += 2 {
		one, fault := gmtls.LoadX509KeyPair(question.Pair[i], question.Pair[i+1])
		if fault != nil {
			return nil, fault
		}
		config.Certificates = append(config.Certificates, one)
	}
	if !question.Server {
		config.InsecureSkipVerify = !question.Verify
		return func(network net.Conn) secured { return gmtls.Client(network, config) }, nil
	}
	if question.Verify {
		config.ClientAuth = gmtls.RequireAndVerifyClientCert
	}
	return func(network net.Conn) secured { return gmtls.Server(network, config) }, nil
}

func describe(one secured) (uint16, bool) {
	state := one.(*gmtls.Conn).ConnectionState()
	return state.CipherSuite, state.DidResume
}
