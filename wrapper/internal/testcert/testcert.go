// Package testcert makes certificates for tests.
package testcert

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
	"math/big"
	"net"
	"testing"
	"time"
)

// Cert is a certificate and its key.
type Cert struct {
	X509    *x509.Certificate
	PEM     []byte
	KeyPEM  []byte
	KeyPair tls.Certificate // with the authority's certificate after it

	key *ecdsa.PrivateKey
}

// Pin is the SHA-256 fingerprint in hexadecimal.
func (c *Cert) Pin() string {
	sum := sha256.Sum256(c.X509.Raw)
	return hex.EncodeToString(sum[:])
}

// Authority makes a certificate that signs others.
func Authority(t testing.TB) *Cert {
	t.Helper()
	return create(t, nil, &x509.Certificate{IsCA: true, KeyUsage: x509.KeyUsageCertSign, NotAfter: time.Now().Add(time.Hour)})
}

// Server makes a certificate for host names and addresses, signed by an authority; nil: by itself.
func Server(t testing.TB, authority *Cert, notAfter time.Time, hosts ...string) *Cert {
	t.Helper()
	template := &x509.Certificate{
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, NotAfter: notAfter,
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	return create(t, authority, template)
}

func create(t testing.TB, authority *Cert, template *x509.Certificate) *Cert {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.Subject = pkix.Name{CommonName: "mls test"}
	template.NotBefore = template.NotAfter.Add(-2 * time.Hour)
	template.BasicConstraintsValid = true
	parent, signer := template, key
	if authority != nil {
		parent, signer = authority.X509, authority.key
		template.Subject.CommonName = "mls test server"
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	c := &Cert{
		PEM:    pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		KeyPEM: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}),
		key:    key,
	}
	if c.X509, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	c.KeyPair = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: c.X509}
	if authority != nil {
		c.KeyPair.Certificate = append(c.KeyPair.Certificate, authority.X509.Raw)
	}
	return c
}
