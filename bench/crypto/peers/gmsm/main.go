// Drives emmansun/gmsm. Protocol: see ../../peer.ts.
package main

import (
	"bufio"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/emmansun/gmsm/sm3"
	"github.com/emmansun/gmsm/sm4"
)

func pattern(n int, f func(int) int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(f(i))
	}
	return b
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// prepare returns a function that runs an operation once and gives its output.
func prepare(op string, size int) func() []byte {
	key := pattern(32, func(i int) int { return i })
	iv := pattern(16, func(i int) int { return 16 + i })
	data := pattern(size, func(i int) int { return 7*i + 3 })
	out := make([]byte, size, size+16)
	block := must(sm4.NewCipher(key[:16]))
	switch op {
	case "sm4-ctr":
		return func() []byte { cipher.NewCTR(block, iv).XORKeyStream(out, data); return out }
	case "sm4-cbc-encrypt":
		return func() []byte { cipher.NewCBCEncrypter(block, iv).CryptBlocks(out, data); return out }
	case "sm4-cbc-decrypt":
		text := make([]byte, size)
		cipher.NewCBCEncrypter(block, iv).CryptBlocks(text, data)
		return func() []byte { cipher.NewCBCDecrypter(block, iv).CryptBlocks(out, text); return out }
	case "sm4-gcm":
		aead := must(cipher.NewGCM(block))
		return func() []byte { return aead.Seal(out[:0], iv[:12], data, nil) }
	case "aes-256-gcm":
		aead := must(cipher.NewGCM(must(aes.NewCipher(key))))
		return func() []byte { return aead.Seal(out[:0], iv[:12], data, nil) }
	case "sm3":
		return func() []byte { sum := sm3.Sum(data); return sum[:] }
	case "sha256":
		return func() []byte { sum := sha256.Sum256(data); return sum[:] }
	}
	panic("no such operation: " + op)
}

func rate(run func() []byte, milliseconds float64) float64 {
	best, count := 0.0, 16
	for end := time.Now().Add(time.Duration(milliseconds * 1e6)); time.Now().Before(end); {
		start := time.Now()
		for i := 0; i < count; i++ {
			run()
		}
		took := time.Since(start).Seconds()
		if took < 1e-3 {
			count *= 2
		} else {
			best = max(best, float64(count)/took)
		}
	}
	return best
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var op string
		var size int
		var milliseconds float64
		verb, rest, _ := strings.Cut(lines.Text(), " ")
		fmt.Sscan(rest, &op, &size, &milliseconds)
		switch verb {
		case "offers":
			fmt.Println("sm4-ctr sm4-cbc-encrypt sm4-cbc-decrypt sm4-gcm sm3")
		case "digest":
			fmt.Printf("%x\n", sha256.Sum256(prepare(op, size)()))
		case "rate":
			fmt.Println(rate(prepare(op, size), milliseconds))
		}
	}
}
