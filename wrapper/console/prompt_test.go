package console

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"
)

// TestStates goes from one side to the other and back.
func TestStates(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	u := open(s, Login{Prompt: "THERE> "})
	if u.prompt != "THERE> " {
		t.Errorf("the prompt is %q, want THERE> ", u.prompt)
	}
	if got := u.types("x <- 10   # at the server\n\n# nothing\nls()"); got != "[1] \"x\"\n" {
		t.Errorf("printed %q", got)
	}
	if got := u.types("f <- function(a) {\n  a + 1 }"); got != "" || u.prompt != "THERE> " {
		t.Errorf("printed %q, the prompt is %q", got, u.prompt)
	}
	u.types("f(")
	if u.prompt != "+ " {
		t.Errorf("the prompt of an open call is %q, want + ", u.prompt)
	}
	if got := u.key(ErrDropped); got != "" || u.prompt != "THERE> " {
		t.Errorf("dropping the lines printed %q, the prompt is %q", got, u.prompt)
	}
	u.types("pause()  # on hold")
	if u.prompt != "> " {
		t.Errorf("the local prompt is %q, want > ", u.prompt)
	}
	if got := u.types("1 + 1"); !strings.Contains(got, "no interpreter in this test") {
		t.Errorf("code where none can run printed %q", got)
	}
	if got := u.types("resume()\nf(2); x"); got != "[1] 3\n[1] 10\n" {
		t.Errorf("after resume() it printed %q, want the objects that were there, and no banner", got)
	}
	if err := u.leave(t, "exit # for good"); err != nil {
		t.Error(err)
	}
	if open := s.sessions(); len(open) != 0 {
		t.Errorf("sessions %v are open after exit", open)
	}
}

// leave types a line that ends the prompt.
func (u *user) leave(t *testing.T, line string) error {
	t.Helper()
	u.begins(line)
	u.await()
	if u.prompt != "" {
		t.Fatalf("the prompt is %q after %s", u.prompt, line)
	}
	return <-u.ended
}

func TestStatesPython(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	u := open(s, Login{}, inPython)
	if got := u.types("x = 10\ndef f(a):\n    return a + 1\n\nf(x)"); got != "11\n" {
		t.Errorf("printed %q", got)
	}
	u.types("if x:")
	if u.prompt != "... " {
		t.Errorf("the prompt of a block is %q, want ... ", u.prompt)
	}
	u.key(ErrDropped)
	u.types("pause()")
	if u.prompt != ">>> " {
		t.Errorf("the local prompt is %q, want >>> ", u.prompt)
	}
	if got := u.types("resume()\nx"); got != "10\n" {
		t.Errorf("after resume() it printed %q", got)
	}
	if got := u.types("quit()"); !strings.Contains(got, "exit ends the session") {
		t.Errorf("quit() printed %q, want what ends the session", got)
	}
	if err := u.leave(t, "exit()"); err != nil {
		t.Error(err)
	}
}

// TestBeginnings: the three states of a login, and a session that was there before.
func TestBeginnings(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	u := open(s, Login{NoCommandLine: true})
	if u.prompt != "> " || u.conn().Session == nil {
		t.Errorf("without command line the prompt is %q, the session %v", u.prompt, u.conn().Session)
	}
	u.begins("resume()")
	if got := u.await(); got != "Your REMOTE R session is now active.\nCommands: \n"+
		"        - pause() to switch to local session & leave remote session on hold.\n"+
		"        - resume() to return to remote session.\n"+
		"        - exit to leave (and terminate) remote session.\n" || u.prompt != Prompt {
		t.Errorf("resume() printed %q, the prompt is %q", got, u.prompt)
	}
	none := open(s, Login{NoSession: true})
	if none.prompt != "> " || len(s.sessions()) != 1 {
		t.Errorf("without session the prompt is %q, and %v are open", none.prompt, s.sessions())
	}
	if got := none.types("resume()"); !strings.Contains(got, "no session") {
		t.Errorf("resume() printed %q", got)
	}
	u.types("x <- 1")
	id := u.conn().Session.ID()
	other := open(s, Login{SessionID: id})
	if got := other.types("x"); got != "[1] 1\n" {
		t.Errorf("the other one's x is %q", got)
	}
	if err := other.end(); err != nil {
		t.Error(err)
	}
	other.prompt = ""
	if open := s.sessions(); len(open) != 1 || open[0].ID != id {
		t.Errorf("open are %v, want %s, which was there before", open, id)
	}
}

// TestLeaving: Ctrl-D asks, and the session is closed unless it is to be kept.
func TestLeaving(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	u := open(s, Login{}, asked)
	u.key(io.EOF)
	if u.prompt != "Leave, and close the session? [y/N, k: leave and keep it] " {
		t.Errorf("Ctrl-D asks %q", u.prompt)
	}
	for _, no := range []string{"", "n"} {
		if u.types(no); u.prompt != Prompt {
			t.Errorf("after %q the prompt is %q", no, u.prompt)
		}
		u.key(io.EOF)
	}
	if u.key(ErrDropped); u.prompt != Prompt {
		t.Errorf("after Ctrl-C the prompt is %q", u.prompt)
	}
	u.key(io.EOF)
	id := u.conn().Session.ID()
	u.begins("k")
	if got := u.await(); !strings.Contains(got, "mls console http://"+s.addr+" --session-id "+id) {
		t.Errorf("leaving says %q, want how to come back to %s", got, id)
	}
	if open := s.sessions(); len(open) != 1 {
		t.Errorf("open are %v, want one", open)
	}
	if err := s.client().Session(id).ForceClose(bound(t)); err != nil {
		t.Error(err)
	}
	u = open(s, Login{}, asked)
	u.key(io.EOF)
	u.typed <- typedLine{err: io.EOF} // Ctrl-D again, or a terminal that is gone
	u.await()
	if open := s.sessions(); len(open) != 0 {
		t.Errorf("open are %v, want none", open)
	}
}

// TestBrokenScreen: nobody reads what is printed any more.
func TestBrokenScreen(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	u := open(s, Login{}, func(c *Config) { c.Out = NewScreen(&broken{after: 200}) })
	u.begins("cat(strrep('x', 1000))")
	u.await()
	if open := s.sessions(); u.prompt != "" || len(open) != 0 {
		t.Errorf("the prompt is %q, open are %v", u.prompt, open)
	}
}

// broken takes a number of bytes before it breaks.
type broken struct{ after int }

func (b *broken) Write(p []byte) (int, error) {
	if b.after -= len(p); b.after < -300 { // the banner is let through
		return 0, errors.New("broken pipe")
	}
	return len(p), nil
}

// TestCompletion asks the session for names, and changes nothing there.
func TestCompletion(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	u := open(s, Login{})
	u.types("velocity_of_light <- 299792458; velocity_of_sound <- 343; l <- list(alpha = 1, alto = 2); 7")
	for _, test := range []struct{ line, want string }{
		{"velocity_of_", "velocity_of_light velocity_of_sound"},
		{"x <- velocity_of_l", "velocity_of_light"},
		{"l$al", "l$alpha l$alto"},
		{"mean(mtcar", "mtcars"},
		{"é <- \"a\\\\\"; velocity_of_s", "velocity_of_sound"},
		{"nothing_like_it", ""},
	} {
		u.completed(test.line, test.want)
	}
	if got := u.types(".Last.value; ls(all.names = TRUE)"); got != "[1] 7\n[1] \"l\"                 \"velocity_of_light\" \"velocity_of_sound\"\n" {
		t.Errorf("afterwards %q", got)
	}
	p := open(s, Login{}, inPython)
	p.types("velocity_of_light = 299792458; velocity_of_sound = 343; 7")
	for _, test := range []struct{ line, want string }{
		{"x = velocity_of_", "velocity_of_light velocity_of_sound"},
		{"print('a', velocity_of_l", "velocity_of_light"},
		{"velocity_of_light.bit_l", "velocity_of_light.bit_length()"},
		{"'\\'' + velocity_of_s", "velocity_of_sound"},
	} {
		p.completed(test.line, test.want)
	}
	if got := p.types("_; [n for n in dir() if n[0] != '_']"); got != "7\n['velocity_of_light', 'velocity_of_sound']\n" {
		t.Errorf("afterwards %q", got)
	}
}

// TestPlots: images come here, and other files are named.
func TestPlots(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	dir := t.TempDir()
	var opened []string
	u := open(s, Login{}, func(c *Config) {
		c.Plots = Plots{Dir: dir, Draw: ITerm2, Open: func(file string) error { opened = append(opened, file); return nil }}
	})
	got := u.types("hist(c(1, 2, 2, 3))")
	file := dir + "/Rplot001.png"
	if !strings.HasSuffix(got, "\nplot: "+file+"\n") || !strings.HasPrefix(got, "\x1b]1337;File=name=UnBsb3QwMDEucG5n;") {
		t.Errorf("printed %.80q, want the image and its name", got)
	}
	if b, err := os.ReadFile(file); err != nil || !strings.HasPrefix(string(b), "\x89PNG") || len(opened) != 1 {
		t.Errorf("%.8q, %v, opened %q", b, err, opened)
	}
	u.types("file.copy('Rplot001.png', '.hidden.png'); invisible(file.remove('Rplot001.png')); plot(1)")
	if _, err := os.Stat(dir + "/Rplot001-2.png"); err != nil {
		t.Errorf("%v: want the second image beside the first", err)
	}
	if _, err := os.Stat(dir + "/hidden.png"); err != nil {
		t.Error(err)
	}
	if got := u.types("write.csv(cars, 'cars of\\tmine.csv'); cat('no end')"); got != "no end\nfiles on the server: cars of_mine.csv\n" {
		t.Errorf("printed %q", got)
	}
	p := open(s, Login{}, inPython)
	if got := p.types("import matplotlib.pyplot as plt\n_ = plt.plot([1, 2])"); !strings.Contains(got, "plot: ") || !strings.HasSuffix(got, "/plot001.png\n") {
		t.Errorf("printed %q", got)
	}
}

func TestNotFinished(t *testing.T) {
	t.Parallel()
	u := open(sharedServer(t), Login{})
	u.begins("1 +")
	u.await()
	u.typed <- typedLine{err: io.EOF} // the input ends in the middle of a statement: the server says what is missing
	if got := u.await(); !strings.Contains(got, "unexpected end of input") {
		t.Errorf("printed %q", got)
	}
}
