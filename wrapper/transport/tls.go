package transport

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
)

// TLS says which certificates a server may show. The zero value takes what the system trusts.
type TLS struct {
	// CAFile is a PEM file with certificates to trust besides the system's: of an authority, or of the server itself.
	CAFile string
	// PinSHA256 is the SHA-256 fingerprint of the one certificate to accept: see ParsePin. Its authority, names and dates don't
	// count then, unless there is a CAFile as well.
	PinSHA256 string
}

// NewPool is the NewPool of this package with these settings. The error says which of them cannot be used.
func (t TLS) NewPool() (*http.Transport, error) {
	p := NewPool()
	c := p.TLSClientConfig
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, err
		}
		if c.RootCAs, err = x509.SystemCertPool(); err != nil {
			c.RootCAs = x509.NewCertPool()
		}
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no PEM certificate", t.CAFile)
		}
	}
	if t.PinSHA256 != "" {
		want, err := ParsePin(t.PinSHA256)
		if err != nil {
			return nil, err
		}
		c.InsecureSkipVerify = t.CAFile == "" // what follows takes its place
		c.VerifyConnection = func(s tls.ConnectionState) error {
			got := sha256.Sum256(s.PeerCertificates[0].Raw)
			if !bytes.Equal(got[:], want) {
				return &PinError{Got: hex.EncodeToString(got[:])}
			}
			return nil
		}
	}
	return p, nil
}

// ParsePin reads the SHA-256 fingerprint of a certificate: 64 hexadecimal digits, with colons as
// "openssl x509 -noout -fingerprint -sha256" writes them, or without.
func ParsePin(pin string) ([]byte, error) {
	sum, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(pin), ":", ""))
	if err != nil || len(sum) != sha256.Size {
		return nil, errors.New("a pin is the SHA-256 fingerprint of a certificate: 64 hexadecimal digits, with or without colons")
	}
	return sum, nil
}

// PinError is a server with another certificate than the pinned one.
type PinError struct {
	Got string // the SHA-256 fingerprint of what it showed, in hexadecimal
}

func (e *PinError) Error() string {
	return "the certificate is not the pinned one: its SHA-256 fingerprint is " + e.Got
}

// shown tells the fingerprint of a certificate that was not accepted, for whoever can compare it with the administrator's.
func shown(err error) string {
	var e *tls.CertificateVerificationError
	if !errors.As(err, &e) || len(e.UnverifiedCertificates) == 0 {
		return ""
	}
	sum := sha256.Sum256(e.UnverifiedCertificates[0].Raw)
	return "; its SHA-256 fingerprint is " + hex.EncodeToString(sum[:])
}

// namesOf are the names and addresses that a certificate is for.
func namesOf(c *x509.Certificate) string {
	const most = 10
	names := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		return "it has none"
	}
	if len(names) > most {
		names = append(names[:most], "...")
	}
	return clean(strings.Join(names, ", "), maxMessage)
}
