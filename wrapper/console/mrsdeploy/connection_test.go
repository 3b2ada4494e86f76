package mrsdeploy

import (
	"slices"
	"testing"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// execution is one without inputs and outputs.
var execution mlserver.Execution

const login = `remoteLogin(SERVER, username = "admin", password = PASSWORD, diff = FALSE, session = TRUE, commandline = FALSE)`

// TestStates goes through the three states of a login, as the article on logging in has them.
func TestStates(t *testing.T) {
	l := localSide(t, runtimes.R)
	if l.Connection().Client != nil {
		t.Fatal("logged in already")
	}
	l.prints(`library(mrsdeploy); require(mrsdeploy)`, "")

	l.answers = []string{"admin", password}
	l.prints(`remoteLogin(SERVER)`, "")
	if want := []string{"Username: ", "Password: (hidden)"}; !slices.Equal(l.asked, want) {
		t.Errorf("asked %q, want %q", l.asked, want)
	}
	if c := l.Connection(); !c.Remote || c.Session == nil || c.Prompt != "REMOTE> " {
		t.Errorf("connection %+v", c)
	}
	l.prints(`pause()`, "")
	if l.Connection().Remote {
		t.Error("pause() did not leave the remote command line")
	}
	l.prints(`resume()`, "")
	if !l.Connection().Remote {
		t.Error("resume() did not go back")
	}
	l.prints(`pause(); remoteCommandLine(prompt = "THERE> ")`, "")
	if c := l.Connection(); !c.Remote || c.Prompt != "THERE> " {
		t.Errorf("connection %+v", c)
	}
	l.prints(`remoteLogout(); remoteLogout()`, "")
	if l.Connection().Client != nil || sessions(t) != 0 {
		t.Error("remoteLogout() left something behind")
	}

	l.run(login)
	if c := l.Connection(); c.Remote || c.Session == nil {
		t.Errorf("connection %+v", c)
	}
	before := sessions(t)
	l.run(login)
	if after := sessions(t); before != 1 || after != 1 {
		t.Errorf("%d sessions, and %d after another login", before, after)
	}

	l.run(`remoteLogin(SERVER, session = FALSE, username = "alice", password = PASSWORD)`)
	if c := l.Connection(); c.Remote || c.Session != nil || sessions(t) != 0 {
		t.Errorf("connection %+v", c)
	}
	l.fails(`resume()`, "Error: there is no remote session: remoteLogin() with session = TRUE creates one\n")
}

func TestLoginFails(t *testing.T) {
	l := localSide(t, runtimes.R)
	l.fails(`remoteLogin(SERVER, username = "admin", password = "wrong-Passw0rd")`, "401 Unauthorized")
	l.fails(`remoteLogin("localhost", username = "admin", password = PASSWORD)`, `"localhost" is no server address`)
	l.fails(`remoteLogin("http://mls.example.com", username = "admin", password = PASSWORD)`, "plain http")
	l.fails(`remoteLogin(12800, username = "admin", password = PASSWORD)`, "an argument is of the wrong type")
	l.fails(`remoteLogin()`, `argument "deployr_endpoint" is missing`)
	l.fails(`putLocalObject("SERVER")`, "Error: not logged in: remoteLogin() comes first\n")
	l.answers = []string{""}
	l.fails(`remoteLogin(SERVER)`, "Error: no user name: no answer was given")
	if l.Connection().Client != nil {
		t.Error("logged in")
	}
}

func TestObjects(t *testing.T) {
	l := localSide(t, runtimes.R)
	l.run(login)
	session := l.Connection().Session
	remote := func(code, want string) {
		t.Helper()
		r, err := session.Execute(t.Context(), code, execution)
		if err != nil || r.Console != want {
			t.Errorf("%s there: %v, %+v, want %q", code, err, r, want)
		}
	}
	// As the article has it.
	l.prints("x <- 10; y <- 10\nputLocalObject(c(\"y\"))", "")
	remote(`ls()`, "[1] \"y\"\n")

	l.run(`d <- c(pi, 1/3, 5e-324, 1.7976931348623157e308, NA, NaN, Inf, -0); f <- function(a) a + 1; m <- lm(mpg ~ wt, mtcars); s <- "é日"
	  was <- list(d, m$coefficients, s); putLocalObject(c("d", "f", "m", "s")); rm(d, f, m, s); getRemoteObject(c("d", "f", "m", "s"))`)
	l.prints(`identical(list(d, m$coefficients, s), was); f(1)`, "[1] TRUE\n[1] 2\n")
	remote(`cat(sprintf("%a", d[1:3])); identical(s, "é日")`, "0x1.921fb54442d18p+1 0x1.5555555555555p-2 0x0.0000000000001p-1022[1] TRUE\n")

	l.run(`putLocalObject(c("x", "y"), name = "both"); putLocalObject("s", name = "both")`)
	remote(`str(both)`, "List of 3\n $ x: num 10\n $ y: num 10\n $ s: chr \"é日\"\n")
	l.prints(`getRemoteObject("y", name = "back"); getRemoteObject("s", name = "back"); str(back)`, "List of 2\n $ y: num 10\n $ s: chr \"é日\"\n")

	l.run(`rm(list = c("x", "y", "d", "f", "m")); before <- ls(); putLocalWorkspace(); rm(list = before); getRemoteWorkspace()`)
	l.prints(`ls()`, ` [1] "back"     "before"   "both"     "d"        "f"        "m"       `+"\n"+` [7] "PASSWORD" "s"        "SERVER"   "was"      "y"       `+"\n")

	l.prints("`my x.1` <- 5; putLocalObject(\"my x.1\"); rm(`my x.1`); getRemoteObject(\"my x.1\"); `my x.1`", "[1] 5\n")
	l.fails(`makeActiveBinding("bad", function() stop("not today"), globalenv()); putLocalObject("bad")`, "not today")
	l.run(`rm(bad)`)
	l.fails(`putLocalObject(c("y", "nosuch"))`, "Error: object 'nosuch' not found\n")
	l.fails(`putLocalObject(42)`, "Error: 'obj' must name objects, as in c(\"x\", \"y\")\n")
	l.fails(`getRemoteObject("nosuch")`, "has no object nosuch")
	l.fails(`putLocalObject("y", name = "s")`, "Error: the remote object s is no list\n")
	if err := session.ForceClose(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.fails(`putLocalObject("y")`, "Error: object \"y\": setWorkspaceObject: 404 Not Found")
	l.prints(`remoteLogout()`, "")
}
