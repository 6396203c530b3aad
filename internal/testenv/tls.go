package testenv

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"time"
)

// makeCertificate makes what a server needs to speak TLS, where it looks for it. The certificate is signed by itself.
func makeCertificate(data string, as *owner) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	now := time.Now() //nolint:forbidigo // TLS goes by the system's clock
	c := x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0)}
	signed, err := x509.CreateCertificate(rand.Reader, &c, &c, &key.PublicKey, key)
	if err != nil {
		return err
	}
	return errors.Join(
		writeFor(as, filepath.Join(data, "server.crt"), &pem.Block{Type: "CERTIFICATE", Bytes: signed}),
		writeFor(as, filepath.Join(data, "server.key"), &pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
}

// writeFor writes a file that belongs to the user that the server runs as.
func writeFor(as *owner, file string, block *pem.Block) error {
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil || as == nil {
		return err
	}
	return os.Chown(file, int(as.uid), int(as.gid))
}
