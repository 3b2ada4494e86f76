package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// credentials are where "mls login" takes user name and password from. There is no flag for the password itself: other users
// of the machine could read it in the list of processes, and it would stay in the shell's history.
type credentials struct {
	username      string
	passwordFile  string
	passwordStdin bool
}

func (cr *credentials) flags(c *cobra.Command) {
	c.Flags().StringVar(&cr.username, "username", "", "user name; without it MLS_USERNAME, then the profile's, else asked for")
	c.Flags().StringVar(&cr.passwordFile, "password-file", "", "file with the password; without it MLS_PASSWORD, MLS_PASSWORD_FILE, else asked for")
	c.Flags().BoolVar(&cr.passwordStdin, "password-stdin", false, "read the password from the standard input")
}

// ask completes the credentials: flags, environment, profile, then questions at a terminal.
func (a *app) ask(ctx context.Context, cr credentials, s *settings) (username, password string, err error) {
	endpoint := s.endpoint
	if username = cr.username; username == "" {
		username = s.username
	}
	switch {
	case cr.passwordStdin && cr.passwordFile != "":
		return "", "", wrongUsage{errors.New("give either --password-file or --password-stdin")}
	case cr.passwordStdin:
		password, err = a.passwordFrom("-")
	case cr.passwordFile != "":
		password, err = a.passwordFrom(cr.passwordFile)
	default:
		password, err = a.envPassword()
	}
	if err != nil {
		return "", "", err
	}
	if username == "" {
		if username, err = a.question(ctx, "User name for "+endpoint+": ", false); err != nil {
			return "", "", prefixMissing(err, "no user name", "give --username or MLS_USERNAME")
		}
	}
	if password == "" {
		if password, err = a.question(ctx, fmt.Sprintf("Password of %s at %s: ", username, endpoint), true); err != nil {
			return "", "", prefixMissing(err, "no password", "give --password-file or --password-stdin, MLS_PASSWORD or MLS_PASSWORD_FILE")
		}
	}
	if username == "" || password == "" {
		return "", "", wrongUsage{errors.New("user name and password must not be empty")}
	}
	return username, password, nil
}

// envPassword is the password of the environment, empty when there is none.
func (a *app) envPassword() (string, error) { return a.envSecret("MLS_PASSWORD") }

// envSecret is the secret in a variable, or in the file that the variable with _FILE names; empty when there is none.
func (a *app) envSecret(variable string) (string, error) {
	if secret := a.getenv(variable); secret != "" {
		return secret, nil
	}
	if file := a.getenv(variable + "_FILE"); file != "" {
		return a.passwordFrom(file)
	}
	return "", nil
}

// passwordFrom reads a password from a file, or the standard input for "-". The line's end is no part of it.
func (a *app) passwordFrom(file string) (string, error) {
	text, err := a.readText(file)
	if err != nil {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	password := strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
	if password == "" || strings.Contains(password, "\n") {
		return "", wrongUsage{fmt.Errorf("the password from %s must be one line", file)}
	}
	return password, nil
}

var errNoTerminal = errors.New("there is no terminal to ask at")

func prefixMissing(err error, what, way string) error {
	if errors.Is(err, errNoTerminal) {
		return hint(wrongUsage{fmt.Errorf("%s, and %w", what, err)}, "%s", way)
	}
	return err
}

// asker reads lines at a terminal that it has taken over.
type asker interface {
	Line(ctx context.Context, prompt string) (string, error)
	Secret(ctx context.Context, prompt string) (string, error)
}

// question asks at the terminal, without showing the answer if it is secret.
func (a *app) question(ctx context.Context, text string, secret bool) (string, error) {
	switch {
	case a.asking != nil && secret:
		return a.asking.Secret(ctx, text)
	case a.asking != nil:
		return a.asking.Line(ctx, text)
	}
	f, ok := a.in.(*os.File)
	if !ok || a.noInput || !term.IsTerminal(int(f.Fd())) {
		return "", errNoTerminal
	}
	fd := int(f.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", err
	}
	fmt.Fprint(a.err, text)
	type reply struct {
		text string
		err  error
	}
	replied := make(chan reply, 1)
	go func() {
		if secret {
			text, err := term.ReadPassword(fd)
			replied <- reply{string(text), err}
			return
		}
		text, err := bufio.NewReaderSize(oneByte{f}, 16).ReadString('\n')
		replied <- reply{strings.TrimSpace(text), err}
	}()
	select {
	case <-ctx.Done(): // the terminal must not stay silent
		_ = term.Restore(fd, before)
		fmt.Fprintln(a.err)
		return "", context.Cause(ctx)
	case r := <-replied:
		if secret {
			fmt.Fprintln(a.err)
		}
		if errors.Is(r.err, io.EOF) {
			return "", errors.New("no answer, nothing done")
		}
		return r.text, r.err
	}
}

// oneByte keeps a reader from taking more of the terminal's input than the line that is read.
type oneByte struct{ io.Reader }

func (r oneByte) Read(p []byte) (int, error) { return r.Reader.Read(p[:min(1, len(p))]) }
