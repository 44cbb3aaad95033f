// net/http's ServeMux: what it runs for a request, it says in the answer. Ends when its input ends.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
)

func run(name string) http.HandlerFunc {
	return func(answer http.ResponseWriter, request *http.Request) {
		body, _ := io.ReadAll(request.Body)
		answer.Header().Set("x-executed", name)
		answer.Write(body)
	}
}

func main() {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/accounts:transfer", run("transfer"))
	mux.HandleFunc("/支付/转账", run("chinese"))
	mux.HandleFunc("POST /v1/pay", run("pay"))
	mux.HandleFunc("GET /v1/query", run("query"))
	mux.HandleFunc("/v1/fund", run("fund"))
	mux.HandleFunc("/v1/fund/", run("fund"))
	mux.HandleFunc("pay.bank.test/v1/vault", run("vault"))
	mux.HandleFunc("/v1/role", func(answer http.ResponseWriter, request *http.Request) {
		if request.Header.Get("x-role") == "user" {
			run("role")(answer, request)
		} else {
			answer.WriteHeader(404)
		}
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	http.Serve(listener, mux)
}
