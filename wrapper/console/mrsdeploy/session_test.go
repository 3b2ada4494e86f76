package mrsdeploy

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
)

func TestFiles(t *testing.T) {
	l := localSide(t, runtimes.R)
	l.run(login)
	l.prints(`writeLines(c("a,b", "1,é"), "data set.csv"); writeBin(as.raw(c(0:255, 0)), "bytes.bin"); putLocalFile("data set.csv"); putLocalFile("bytes.bin")`, "[1] TRUE\n[1] TRUE\n")
	l.prints(`listRemoteFiles()`, "[1] \"bytes.bin\"    \"data set.csv\"\n")
	l.prints(`getRemoteFile("data set.csv"); identical(getRemoteFile("bytes.bin", as = "raw"), as.raw(c(0:255, 0)))`, "[1] \"a,b\\n1,é\\n\"\n[1] TRUE\n")
	l.prints(`deleteRemoteFile("bytes.bin"); listRemoteFiles()`, "[1] TRUE\n[1] \"data set.csv\"\n")
	l.fails(`putLocalFile("nosuch.csv")`, "Error: file 'nosuch.csv' not found\n")
	l.fails(`getRemoteFile("nosuch.csv")`, "404 Not Found")
	l.fails(`deleteRemoteFile("nosuch.csv")`, "404 Not Found")
	l.fails(`getRemoteFile("data set.csv", as = "lines")`, "Error: 'as' is \"text\" or \"raw\"\n")
	l.prints(`list.files(tempdir(), pattern = "^[.]?mrsdeploy.")`, "character(0)\n")
}

func TestSnapshots(t *testing.T) {
	l := localSide(t, runtimes.R)
	l.run(login)
	l.matches(`kept <- 1:3; putLocalObject("kept"); id <- createSnapshot("mine"); id`, `\$snapshotId\n\[1\] "[0-9a-f-]{36}"\n\n`)
	l.matches(`listSnapshots()`, `(?s).*snapshotId:   [0-9a-f-]{36}\nname:         mine\nowner:        admin\ncreationTime: .*\ncontentSize:  \d+\n\n`)
	l.prints(`names(summary(listSnapshots()))`, "[1] \"snapshotId\"   \"name\"         \"creationTime\"\n")
	l.run(login)
	l.prints(`loadSnapshot(id$snapshotId); rm(kept); getRemoteObject("kept"); kept`, "[1] TRUE\n[1] 1 2 3\n")
	l.prints(`z <- downloadSnapshot(id); z[1:2]; downloadSnapshot(id, file = "snap.zip"); file.size("snap.zip") == length(z)`, "[1] 50 4b\n[1] TRUE\n[1] TRUE\n")
	l.prints(`deleteSnapshot(id)`, "[1] TRUE\n")
	l.fails(`loadSnapshot(id)`, "404 Not Found")
	l.fails(`downloadSnapshot(id, file = "none.zip")`, "404 Not Found")
	if names, _ := filepath.Glob(filepath.Join(l.dir, "*none.zip*")); len(names) != 0 {
		t.Errorf("left behind %q", names)
	}
}

func TestExecute(t *testing.T) {
	l := localSide(t, runtimes.R)
	l.run(login)
	l.prints(`r <- remoteExecute("x <- 5; x", outputs = "x")`, "[1] 5\n")
	l.prints(`r$success; r$outputParameters; r$consoleOutput`, "[1] TRUE\n$x\n[1] 5\n\n[1] \"[1] 5\\n\"\n")
	l.prints(`remoteExecute("z <- x + y", inputs = '[{"name":"x","value":120}, {"name":"y","value":0.1}]', outputs = "z")$outputParameters$z == 120 + 0.1`, "[1] TRUE\n")
	l.prints(`r <- remoteExecute("cat('before\\n'); f <- function(a) stop('no'); f(1)"); r$success; r$errorMessage`,
		"before\nError in f(1) : no\n[1] FALSE\n[1] \"Error in f(1) : no\"\n")
	l.fails(`remoteExecute("1", inputs = "x = 1")`, `Error: argument "inputs" must be JSON`)
	l.prints(`r <- remoteExecute("1", outputs = "nosuch"); r$success; r$errorMessage`, "[1] 1\n[1] FALSE\n[1] \"output \\\"nosuch\\\": the code did not assign it\"\n")
	l.prints(`options(mrsdeploy.console_update = 500); remoteExecute("cat('at the end\n')"); options(mrsdeploy.console_update = 5000)`, "at the end\n")

	// A script, and the plots that it leaves.
	l.prints(`cat("x <- 1:10\nplot(x)\nprint(sum(x))\nwriteLines('t', 'text.txt')\n", file = "script.R")
r <- remoteScript("script.R", displayPlots = FALSE); r$changedFiles; list.files(pattern = "^Rplot.*png$"); list.files(pattern = "text")`,
		"[1] 55\n[1] \"Rplot001.png\" \"text.txt\"    \n[1] \"Rplot001.png\"\ncharacter(0)\n")
	l.fails(`remoteScript("nosuch.R")`, "Error: script 'nosuch.R' not found\n")
	l.fails(`remoteExecute("nosuch.R", script = TRUE)`, "Error: script 'nosuch.R' not found\n")

	// In a session of its own, which is gone afterwards.
	l.prints(`h <- remoteScript("script.R", async = TRUE, outputs = "x"); r <- h$wait(); r$success; r$outputParameters$x`, "[1] 55\n[1] TRUE\n [1]  1  2  3  4  5  6  7  8  9 10\n")
	if n := sessions(t); n != 1 {
		t.Errorf("%d sessions are open, want 1", n)
	}
	l.run(`cat("Sys.sleep(100)\n", file = "slow.R"); h <- remoteScript("slow.R", async = TRUE); stopifnot(h$running())`)
	l.run(`remoteLogout()`)
	if n := sessions(t); n != 0 {
		t.Errorf("%d sessions are open after logging out, want none", n)
	}
}

func TestDiff(t *testing.T) {
	l := localSide(t, runtimes.R)
	l.fails(`diffLocalRemote()`, "Error: not logged in")
	l.prints(`remoteLogin(SERVER, username = "admin", password = PASSWORD, commandline = FALSE)`, "")
	l.prints(`diffLocalRemote()`, "R and its packages are the same here and on the server.\n")
	l.run(`lib <- file.path(getwd(), "lib"); dir.create(file.path(lib, "onlyhere", "Meta"), recursive = TRUE)
description <- c(Package = "onlyhere", Version = "1.2.3", Built = "4.2.2")
write.dcf(as.list(description), file.path(lib, "onlyhere", "DESCRIPTION"))
saveRDS(list(DESCRIPTION = description, Built = list(R = "4.2.2")), file.path(lib, "onlyhere", "Meta", "package.rds"))
was <- .libPaths(); .libPaths(c(lib, was))`)
	l.prints(`diffLocalRemote(); .libPaths(was)`, "Packages that are here and not on the server (1):\n  onlyhere  1.2.3\n")
}

// TestInterrupt: Ctrl-C ends what runs on the server, and both sides live on.
func TestInterrupt(t *testing.T) {
	l := localSide(t, runtimes.R)
	l.run(login)
	for _, code := range []string{`remoteExecute("cat('there\n'); repeat Sys.sleep(0.01)"); cat("went on\n")`, `cat("there\n"); repeat Sys.sleep(0.01)`} {
		ended := make(chan error, 1)
		go func() {
			ended <- l.Execute(t.Context(), code)
		}()
		for deadline := time.Now().Add(patience); !strings.Contains(l.out.String(), "there"); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("it does not begin")
			}
		}
		l.Interrupt()
		if err := <-ended; !errors.Is(err, ErrInterrupted) {
			t.Errorf("%s: got %v", code, err)
		}
		if got := l.out.take(); strings.Contains(got, "went on") {
			t.Errorf("%s: printed %q", code, got)
		}
		l.prints(`remoteExecute("1 + 1")`, "[1] 2\n")
	}
}

// TestLeaving: q() leaves the prompt and not the process; a process that ends says so.
func TestLeaving(t *testing.T) {
	l := startLocal(t, Options{Script: true})
	defer os.RemoveAll(l.dir)
	defer l.Close()
	var quit *QuitError
	if _, err := l.execute(`q("no", 3)`); !errors.As(err, &quit) || quit.Status != 3 {
		t.Errorf("q() gave %v", err)
	}
	l.prints(`1 + 1`, "[1] 2\n")
	l.prints(`mrsdeploy::serviceTypes()[1]; requireNamespace("mrsdeploy"); mrsdeploy::remoteLogout()`, "[1] \"Script\"\n")
	var gone *runtimes.GoneError
	if _, err := l.execute(`tools::pskill(Sys.getpid(), 9)`); !errors.As(err, &gone) {
		t.Errorf("a process that was killed gave %v", err)
	}
	if err := l.Logout(context.Background(), false); err != nil {
		t.Error(err)
	}
}
