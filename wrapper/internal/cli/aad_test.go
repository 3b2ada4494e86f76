package cli

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/mlserver-go/mls/wrapper/auth/azuread/azureadtest"
	"github.com/mlserver-go/mls/wrapper/internal/program"
)

const (
	webApp    = "00000000-0000-0000-0000-0000000000aa"
	nativeApp = "00000000-0000-0000-0000-0000000000bb"
	daemonApp = "00000000-0000-0000-0000-0000000000cc"
	ann       = "ann@contoso.test"
)

// TestAzureScripts run mls, development servers included, against a test provider on loopback.
func TestAzureScripts(t *testing.T) {
	t.Parallel()
	idp := azureadtest.New("contoso.test")
	t.Cleanup(idp.Close)
	cert, key := clientCertificate(t)
	idp.AddApp(azureadtest.App{ID: webApp})
	idp.AddApp(azureadtest.App{ID: nativeApp, PublicClient: true, ReplyURLs: []string{"http://localhost"}})
	idp.AddApp(azureadtest.App{ID: daemonApp, Secret: clientSecret, Certificate: cert})
	idp.AddUser(azureadtest.User{Name: ann, Password: password})
	idp.AddUser(azureadtest.User{Name: "mfa@contoso.test", Password: password, MFA: true})
	idp.AddUser(azureadtest.User{Name: "eve@fabrikam.invalid", Password: password, Federated: true})
	files := map[string][]byte{ // programs among them
		"ca.pem":         pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: idp.Certificate().Raw}),
		"daemon.pem":     append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}), key...),
		"password.txt":   []byte(password + "\n"),
		"secret.txt":     []byte(clientSecret + "\n"),
		"bin/xdg-open":   []byte("#!/bin/sh\nprintf '%s' \"$1\" > page.tmp; mv page.tmp page.txt\n"),
		"azure-bin/az":   []byte("#!/bin/sh\n[ -n \"$AZ_TOKEN\" ] || { echo \"ERROR: Please run 'az login' to setup account.\" >&2; exit 1; }\necho \"{\\\"accessToken\\\": \\\"$AZ_TOKEN\\\", \\\"expires_on\\\": 4102444800}\"\n"),
		"wrong-secret":   []byte("Canary-wrong\n"),
		"no-browser/.ok": nil,
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/azure",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			vars := environment(env.WorkDir, "")
			for name, value := range map[string]string{
				"AUTHORITY": idp.URL, "MLS_AUTHURI": idp.URL, "MLS_TENANTID": "contoso.test", "MLS_RESOURCE": webApp,
				"MLS_CA_FILE": filepath.Join(env.WorkDir, "ca.pem"),
				"WEB_APP":     webApp, "NATIVE_APP": nativeApp, "DAEMON_APP": daemonApp, "SECRET": clientSecret,
			} {
				vars[name] = value
			}
			for name, value := range vars {
				env.Setenv(name, value)
			}
			for name, content := range files {
				path := filepath.Join(env.WorkDir, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					return err
				}
				if err := program.Write(path, string(content)); err != nil {
					return err
				}
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":      exits,
			"capture":    capture,
			"await-file": awaitFile,
			// A user who reads the code in a file, and enters it: enter-code FILE USER
			"enter-code": func(ts *testscript.TestScript, _ bool, args []string) {
				code := awaitText(ts, args[0], `enter the code (\w+)`)
				ts.Check(idp.EnterCode(code, args[1], password))
			},
			// An administrator revokes what a user has agreed to: revoke USER
			"revoke": func(_ *testscript.TestScript, _ bool, args []string) {
				idp.AddUser(azureadtest.User{Name: args[0], Password: password})
			},
			// A user in the browser that was started: browse FILE USER
			"browse": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(idp.Browse(t.Context(), awaitText(ts, args[0], `(.+)`), args[1], password))
			},
		},
	})
}

// awaitText waits until what a command writes to a file matches, and returns the group.
func awaitText(ts *testscript.TestScript, file, pattern string) string {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		text, _ := os.ReadFile(ts.MkAbs(file))
		if m := regexp.MustCompile(pattern).FindSubmatch(text); m != nil {
			return string(m[1])
		}
	}
	ts.Fatalf("%s never matched %s", file, pattern)
	return ""
}

func clientCertificate(t *testing.T) (cert *x509.Certificate, keyPEM []byte) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "daemon"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, form, form, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return cert, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}
