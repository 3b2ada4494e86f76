package console

import (
	"context"
	"strings"
	"testing"

	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// TestLocalSide has a real R as the local side: it reports what differs, moves objects, and is started again after its end.
func TestLocalSide(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	u := open(s, Login{}, withLocal(t, mlserver.R), func(c *Config) {
		c.Restart = func(context.Context) (Local, error) {
			again := Config{Out: c.Out}
			withLocal(t, mlserver.R)(&again)
			return again.Local, nil
		}
		const onlyHere = `dir.create("lib/onlyhere/Meta", recursive = TRUE)
about <- c(Package = "onlyhere", Version = "1.2.3", Built = "4.2.2")
write.dcf(as.list(about), "lib/onlyhere/DESCRIPTION")
saveRDS(list(DESCRIPTION = about, Built = list(R = "4.2.2")), "lib/onlyhere/Meta/package.rds")
.libPaths(c("lib", .libPaths()))`
		if err := c.Local.Execute(bound(t), onlyHere); err != nil {
			t.Fatal(err)
		}
	})
	if !strings.HasPrefix(u.first, "Packages that are here and not on the server (1):\n  onlyhere  1.2.3\nYour REMOTE R session is now active.\n") {
		t.Errorf("the login printed %q", u.first)
	}
	if got := u.types("x <- 5\npause()\ngetRemoteObject('x'); y <- x + 1; putLocalObject('y')\nresume()\ny"); got != "[1] 6\n" {
		t.Errorf("printed %q", got)
	}
	u.completed("putLocalOb", "") // a function of the local side
	u.types("pause()")
	u.completed("putLocalOb", "putLocalObject")
	u.begins(`cat("running\n"); repeat {}`)
	u.awaitText("running")
	u.Interrupt()
	if got := u.await(); strings.Contains(got, "mls:") || u.prompt != "> " {
		t.Errorf("after an interrupt %q, the prompt is %q", got, u.prompt)
	}
	if got := u.types("tools::pskill(Sys.getpid(), 9); Sys.sleep(600)"); !strings.Contains(got, "the local R has ended (signal: killed)") || u.prompt != "> " {
		t.Errorf("after its end %q, the prompt is %q", got, u.prompt)
	}
	if got := u.types("exists('x'); resume()\ny"); got != "[1] FALSE\n[1] 6\n" {
		t.Errorf("with another local side %q", got)
	}
	u.types("exit")
	if got := u.types("1 + 1"); got != "[1] 2\n" || u.prompt != "> " || len(s.sessions()) != 0 {
		t.Errorf("after exit %q, the prompt is %q, open are %v", got, u.prompt, s.sessions())
	}
	if err := u.leave(t, "q()"); err != nil {
		t.Error(err)
	}
}
