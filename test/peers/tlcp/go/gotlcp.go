//go:build gotlcp

// The library is gotlcp, on SM2 and SM4 of github.com/emmansun/gmsm with their assembly.
package main

import (
	"net"
	"os"

	"gitee.com/Trisia/gotlcp/tlcp"
	"github.com/emmansun/gmsm/smx509"
)

const sessionsKept = 64

func configure(question Question) (func(net.Conn) secured, error) {
	text, fault := os.ReadFile(question.CA)
	if fault != nil {
		return nil, fault
	}
	pool := smx509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	config := &tlcp.Config{
		CipherSuites: []uint16{question.Suite}, RootCAs: pool, ClientCAs: pool, ServerName: "localhost",
	}
	if question.Sessions {
		config.SessionCache = tlcp.NewLRUSessionCache(sessionsKept)
	}
	for i := 0; i+1 < len(question.Pair); i += 2 {
		one, fault := tlcp.LoadX509KeyPair(question.Pair[i], question.Pair[i+1])
		if fault != nil {
			return nil, fault
		}
		config.Certificates = append(config.Certificates, one)
	}
	if !question.Server {
		config.InsecureSkipVerify = !question.Verify
		return func(network net.Conn) secured { return tlcp.Client(network, config) }, nil
	}
	if question.Verify {
		config.ClientAuth = tlcp.RequireAndVerifyClientCert
	}
	return func(network net.Conn) secured { return tlcp.Server(network, config) }, nil
}

func describe(one secured) (uint16, bool) {
	state := one.(*tlcp.Conn).ConnectionState()
	return state.CipherSuite, state.DidResume
}
