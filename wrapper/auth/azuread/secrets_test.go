package azuread_test

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestPrintsNoSecret runs tests of this package again, with everything switched on that makes libraries talk, and searches what
// they print for passwords, secrets and tokens.
func TestPrintsNoSecret(t *testing.T) {
	again := exec.Command(os.Args[0], "-test.v", "-test.run", "^(TestFlows|TestRefusals|TestFaults|TestInteractive|TestServerChecksTokens)$")
	again.Env = append(os.Environ(), "DEBUG=1", "SWAGGER_DEBUG=1", "AZURE_SDK_GO_LOGGING=all")
	out, err := again.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, ofTests(out))
	}
	for _, want := range []string{"--- PASS: TestFlows", "/oauth2/v2.0/token"} { // the libraries do talk
		if !bytes.Contains(out, []byte(want)) {
			t.Errorf("%q is not in what was printed", want)
		}
	}
	for _, line := range strings.Split(string(out), "\n") {
		for _, secret := range []string{"CANARY", "eyJ"} { // as every access token begins
			if strings.Contains(line, secret) {
				t.Errorf("a secret was printed: %s", line)
			}
		}
	}
}

// ofTests is what tests print themselves, without what libraries say between.
func ofTests(out []byte) string {
	var lines strings.Builder
	for line := range strings.Lines(string(out)) {
		if text := strings.TrimSpace(line); strings.HasPrefix(text, "---") || strings.Contains(text, "_test.go:") || strings.HasPrefix(text, "WARNING: DATA RACE") || strings.HasPrefix(text, "panic:") {
			lines.WriteString(line)
		}
	}
	return lines.String()
}
