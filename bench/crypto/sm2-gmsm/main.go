// Times SM2 of github.com/emmansun/gmsm (native assembly): one JSON line, operations a second, best of the rounds.
package main

import (
	"crypto/rand"
	"encoding/json"
	"os"
	"time"

	"github.com/emmansun/gmsm/sm2"
)

const (
	rounds   = 100
	perRound = 40
)

func best(run func()) float64 {
	least := time.Duration(1 << 62)
	for i := 0; i < rounds; i++ {
		start := time.Now()
		for j := 0; j < perRound; j++ {
			run()
		}
		if taken := time.Since(start); taken < least {
			least = taken
		}
	}
	return perRound / least.Seconds()
}

func main() {
	key, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	message := make([]byte, 32)
	signature, err := key.SignWithSM2(rand.Reader, nil, message)
	if err != nil || !sm2.VerifyASN1WithSM2(&key.PublicKey, nil, message, signature) {
		panic("wrong signature")
	}
	json.NewEncoder(os.Stdout).Encode(map[string]float64{
		"sign":   best(func() { key.SignWithSM2(rand.Reader, nil, message) }),
		"verify": best(func() { sm2.VerifyASN1WithSM2(&key.PublicKey, nil, message, signature) }),
	})
}
