package layout

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAzureIsApart: only who asks for Azure AD links Microsoft's libraries. A program that signs in with a name and password of
// the server's directory does not, nor does the development server, which checks Azure AD's tokens by itself.
func TestAzureIsApart(t *testing.T) {
	const program = `package main

import (
	"context"
	"os"

	"github.com/mlserver-go/mls/wrapper/auth"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

func main() {
	c, err := mlserver.New(mlserver.Config{
		Address: os.Args[1], Auth: auth.Login{Username: os.Args[2], Password: os.Getenv("PASSWORD")},
	})
	if err == nil {
		_, err = c.Status(context.Background())
	}
	if err != nil {
		os.Exit(1)
	}
}
`
	file := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(file, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		of    string
		azure bool
	}{
		{file, false},
		{"./wrapper/mlserver", false},
		{"./wrapper/auth", false},
		{"./wrapper/devserver", false},
		{"./wrapper/codegen", false},
		{"./wrapper/auth/azuread", true}, // or else the test looks for the wrong names
	} {
		var linked []string
		for _, p := range packages(t, "-deps", test.of) {
			if strings.HasPrefix(p.ImportPath, "github.com/Azure/go-ntlmssp") {
				continue // NTLM, which go-ldap speaks to Windows domains
			}
			if lower := strings.ToLower(p.ImportPath); strings.Contains(lower, "azure") || strings.Contains(lower, "microsoft") {
				linked = append(linked, p.ImportPath)
			}
		}
		if test.azure != (len(linked) > 0) {
			t.Errorf("%s links %q, want Azure code there: %t", test.of, linked, test.azure)
		}
	}
}
