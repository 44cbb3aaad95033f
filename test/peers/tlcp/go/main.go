// National TLS of a Go library as the other end of connections, over lines of JSON like tongsuo-peer.py: the library's
// bytes come and go by questions, so a test chooses the segments, and a bench knows the processor time of each end.
package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"
	"unsafe"
)

// Question is one line of the input.
type Question struct {
	Op         string
	Server     bool
	Suite      uint16
	CA         string
	Pair       []string
	Verify     bool
	Sessions   bool
	Context    int
	Connection int
	Data       string
}

// Answer is one line of the output.
type Answer struct {
	Connection int    `json:"connection"`
	Out        string `json:"out"`
	Plain      string `json:"plain"`
	State      string `json:"state"`
	Error      string `json:"error"`
	Suite      uint16 `json:"suite"`
	Resumed    bool   `json:"resumed"`
	Nanos      int64  `json:"nanos"`
}

// secured is a connection of the library.
type secured interface {
	net.Conn
	Handshake() error
}

const clockOfProcess = 2

// processorTime counts what other threads do too: the collector's work belongs to what makes it.
func processorTime() int64 {
	var spec syscall.Timespec
	syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clockOfProcess, uintptr(unsafe.Pointer(&spec)), 0)
	return spec.Nano()
}

// wire is the network: its reader waits for the next question.
type wire struct {
	in    []byte
	out   []byte
	ended bool
	more  chan struct{}
	idle  chan struct{}
}

func (w *wire) Read(to []byte) (int, error) {
	for len(w.in) == 0 {
		if w.ended {
			return 0, io.EOF
		}
		w.idle <- struct{}{}
		<-w.more
	}
	count := copy(to, w.in)
	w.in = w.in[count:]
	return count, nil
}

func (w *wire) Write(from []byte) (int, error) {
	w.out = append(w.out, from...)
	return len(from), nil
}

func (w *wire) Close() error                     { return nil }
func (w *wire) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (w *wire) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (w *wire) SetDeadline(time.Time) error      { return nil }
func (w *wire) SetReadDeadline(time.Time) error  { return nil }
func (w *wire) SetWriteDeadline(time.Time) error { return nil }

type end struct {
	wire  *wire
	made  secured
	state string
	fault string
	plain []byte
	nanos int64
	done  bool
}

func (e *end) run() {
	defer func() {
		if trap := recover(); trap != nil {
			e.state, e.fault = "failed", "panic"
		}
		e.done = true
		e.wire.idle <- struct{}{}
	}()
	if fault := e.made.Handshake(); fault != nil {
		e.state, e.fault = "failed", fault.Error()
		return
	}
	e.state = "open"
	buffer := make([]byte, 65536)
	for {
		count, fault := e.made.Read(buffer)
		e.plain = append(e.plain, buffer[:count]...)
		if errors.Is(fault, io.EOF) {
			e.state = "closed"
			return
		}
		if fault != nil {
			e.state, e.fault = "failed", fault.Error()
			return
		}
	}
}

// step goes on until the library waits for bytes or has ended.
func (e *end) step(start func()) {
	before := processorTime()
	start()
	<-e.wire.idle
	e.nanos += processorTime() - before
}

func (e *end) answer(connection int) Answer {
	answer := Answer{
		Connection: connection, Out: hex.EncodeToString(e.wire.out), Plain: hex.EncodeToString(e.plain),
		State: e.state, Error: e.fault, Nanos: e.nanos,
	}
	if e.state == "open" || e.state == "closed" {
		answer.Suite, answer.Resumed = describe(e.made)
	}
	e.wire.out, e.plain = nil, nil
	return answer
}

var (
	contexts []func(net.Conn) secured
	ends     []*end
)

func handle(question Question) (any, error) {
	switch question.Op {
	case "context":
		made, fault := configure(question)
		contexts = append(contexts, made)
		return len(contexts) - 1, fault
	case "open":
		network := &wire{more: make(chan struct{}), idle: make(chan struct{})}
		opened := &end{wire: network, made: contexts[question.Context](network), state: "handshake"}
		ends = append(ends, opened)
		opened.step(func() { go opened.run() })
		return opened.answer(len(ends) - 1), nil
	}
	if question.Op == "session" {
		return 0, nil // a client keeps its sessions by itself
	}
	one := ends[question.Connection]
	data, fault := hex.DecodeString(question.Data)
	if fault != nil {
		return nil, fault
	}
	switch question.Op {
	case "feed":
		one.wire.in = append(one.wire.in, data...)
	case "write":
		_, fault = one.made.Write(data)
	case "close":
		fault = one.made.Close()
	case "forget":
		one.wire.ended = true
	default:
		return nil, errors.New("unknown question")
	}
	if !one.done && (len(one.wire.in) > 0 || one.wire.ended) {
		one.step(func() { one.wire.more <- struct{}{} })
	}
	answer := one.answer(question.Connection)
	if question.Op == "forget" {
		ends[question.Connection] = nil
	}
	return answer, fault
}

func main() {
	lines := bufio.NewReader(os.Stdin)
	answers := json.NewEncoder(os.Stdout)
	os.Stdout = os.Stderr // gmtls prints
	for {
		line, fault := lines.ReadBytes('\n')
		if fault != nil {
			return
		}
		var question Question
		fault = json.Unmarshal(line, &question)
		var result any
		if fault == nil {
			result, fault = handle(question)
		}
		if fault != nil {
			answers.Encode(map[string]any{"error": fault.Error()})
		} else {
			answers.Encode(map[string]any{"result": result})
		}
	}
}
