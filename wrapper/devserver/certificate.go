package devserver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Certificate is what a server shows to clients over TLS.
type Certificate struct {
	KeyPair tls.Certificate
	File    string // PEM file with the certificate, and those of its authorities if it has some
	SHA256  string // fingerprint, in hexadecimal
}

// Config is for the server's listener: TLS 1.2 or newer.
func (c *Certificate) Config() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{c.KeyPair}, MinVersion: tls.VersionTLS12}
}

// LoadCertificate reads a certificate and its key from PEM files.
func LoadCertificate(certFile, keyFile string) (*Certificate, error) {
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(pair.Certificate[0])
	return &Certificate{KeyPair: pair, File: certFile, SHA256: hex.EncodeToString(sum[:])}, nil
}

// OwnCertificate is the one in the files tls-cert.pem and tls-key.pem of dir. If there is none, or it ends within 30 days, or
// lacks one of the hosts (names or addresses), one is made that signs itself and lasts a year: clients must be told to trust it.
func OwnCertificate(dir string, now time.Time, hosts ...string) (*Certificate, error) {
	const lasts, renewed = 365 * 24 * time.Hour, 30 * 24 * time.Hour
	certFile, keyFile := filepath.Join(dir, "tls-cert.pem"), filepath.Join(dir, "tls-key.pem")
	c, err := LoadCertificate(certFile, keyFile)
	if err == nil && now.Before(c.KeyPair.Leaf.NotAfter.Add(-renewed)) && isFor(c.KeyPair.Leaf, hosts) {
		return c, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the certificate in %s cannot be read (without its two files a new one is made): %w", dir, err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()),
		Subject:      pkix.Name{CommonName: "mls devserver"},
		NotBefore:    now.Add(-time.Hour), // clocks differ
		NotAfter:     now.Add(lasts),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},

		BasicConstraintsValid: true,
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	// The key first: a certificate without one would be an error next time, a key without one is overwritten.
	for _, f := range []struct {
		path, kind string
		der        []byte
		mode       os.FileMode
	}{{keyFile, "PRIVATE KEY", pkcs8, 0o600}, {certFile, "CERTIFICATE", der, 0o644}} {
		_ = os.Remove(f.path) // or it would keep its mode
		if err := os.WriteFile(f.path, pem.EncodeToMemory(&pem.Block{Type: f.kind, Bytes: f.der}), f.mode); err != nil {
			return nil, err
		}
	}
	return LoadCertificate(certFile, keyFile)
}

func isFor(c *x509.Certificate, hosts []string) bool {
	for _, host := range hosts {
		if c.VerifyHostname(host) != nil {
			return false
		}
	}
	return true
}
