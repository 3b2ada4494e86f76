package runtimes

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// replCases are typed at R's own prompt and run by a worker; both must print the same. State carries over.
var replCases = []string{
	"x <- 5\nx",
	"1:30",
	"c(a = 1, b = 2)",
	"NULL",
	"invisible(3)",
	"(invisible(3))",
	"head(mtcars, 3)",
	"f <- function(x) {\n  x + 1 # kept\n}\nf",
	"quote(a + b)",
	"factor(c('u', 'v', 'u'))",
	"list(a = 1, b = list(2, 'x'))",
	"summary(lm(am ~ wt, mtcars))",
	"matrix(1:6, 2)",
	"'é日本'",
	"print('a'); message('to stderr'); cat('no newline')",
	"cat('\\n')",
	"stop('boom')",
	"nosuch",
	"nosuch()",
	"f <- function(n) stop('inner ', n); f(3)",
	"f <- function(n) stop('a long message that goes on and on, until the line is too wide for it ', n); f(3)",
	"stop('two\nlines')",
	"f <- function() stop('two\nlines'); f()",
	"1 + 'a'",
	"log(-1)",
	"as.integer('x')",
	"f <- function() { warning('careful'); 7 }; f()",
	"f <- function() warning('a long message that goes on and on, until the line is too wide for its call'); f()",
	"for (i in 1:3) warning('w', i)",
	"for (i in 1:12) warning('w', i)",
	"f <- function(i) warning('w', i); for (i in 1:3) f(i)",
	"for (i in 1:60) warning('w', i)",
	"f <- function() { warning('first'); stop('then') }; f()",
	"warning('top level')",
	"suppressWarnings(as.integer('x'))",
	"options(warn = 1); f <- function() { warning('now'); 1 }; f(); warning('top'); options(warn = 0)",
	"options(warn = 2); as.integer('x')",
	"options(warn = 0)",
	"try(stop('tried'))",
	"try(log('a'), silent = TRUE); 2",
	"tryCatch(stop('a'), error = function(e) cat('caught', conditionMessage(e), '\\n'))",
	"tryCatch(stop('x'), finally = cat('fin\\n'))",
	"tryCatch(stop('x'), warning = function(w) 1)",
	"f <- function() { on.exit(cat('bye\\n')); stop('with exit') }; f()",
	"withCallingHandlers(message('m'), message = function(m) cat('saw it\\n'))",
	"signalCondition(simpleCondition('s'), NULL)",
	"stop(structure(class = c('custom', 'error', 'condition'), list(message = 'mine', call = NULL)))",
	"stopifnot(1 == 2)",
	"match.arg('x', c('a', 'b'))",
	"setClass('P', representation(x = 'numeric')); new('P', x = 1)",
	"setMethod('show', 'P', function(object) cat('<P>\\n')); new('P', x = 1)",
	"print.thing <- function(x, ...) cat('<thing>\\n'); structure(1, class = 'thing')",
	"print.bad <- function(x, ...) stop('cannot print'); structure(1, class = 'bad')",
	"structure(1:3, myattr = 'hello')",
	"Sys.Date() - Sys.Date()",
	"as.Date('2020-01-02')",
	"table(c('a', 'b', 'a'))",
	"if (FALSE) 1",
	"for (i in 1:2) i",
	"x <- c(1, 2); x[5]; x[['a']]",
	"list(1)[[3]]",
	"mean()",
	"library(nosuchpackage)",
	"sqrt(2) # comment",
	"1; 2; stop('in between'); 3",
	"repeat break",
	".Last.value",
	"5 -> y; y; rm(y)",
	"invisible(print('once'))",
	"identity(function(x) x)",
	"sum",
	"environmentName(environment())",
	"(function() parent.frame())()",
	"local({ a <- 1; a })",
	"eval(quote(stop('evaluated')))",
	"do.call(stop, list('called'))",
	"sapply(1:2, function(i) stop('in sapply'))",
	"withVisible(stop('visible'))",
	"warning(structure(class = c('cw', 'warning', 'condition'), list(message = 'custom warning', call = NULL)))",
	"system('echo from a child')",
	"f <- function(x) { x$y$z }; f(1)",
	"as.numeric(list(1, 2:3))",
	"'unused'; invisible(7); .Last.value",
	"f <- function(...) UseMethod('f'); f(1)",
	"'\\u00e9'; nchar('\\u00e9')",
	"'a\\tb'",
	"1e5; 100000L; 1e-20; 123456789.123",
	"TRUE && NA",
	"complex(real = 1, imaginary = 2)",
	"as.raw(1:3)",
	"letters",
	"data.frame()",
	"x <- 1:3; x[2] <- 10L; x",
	"c <- 3; c(1, 2); rm(c)",
	"paste0 <- function(...) stop('mine'); cat <- function(...) stop('mine too'); deparse <- 1",
	"g <- function() stop('own functions do not get in the way'); g()",
	"rm(paste0, cat, deparse, g)",
}

// TestConsoleIsTheREPL compares a worker's text with what R's own top level prints.
func TestConsoleIsTheREPL(t *testing.T) {
	i := interpreter(t, R)
	const end = "<<end of case>>"
	var script strings.Builder
	// As at the prompt: go on after an error, without the line of calls; keep comments.
	script.WriteString("options(error = expression(NULL), showErrorCalls = FALSE, keep.source = TRUE)\n")
	for _, code := range replCases {
		// base::cat, because a case may define its own.
		script.WriteString(code + "\nbase::cat('" + end + "\\n')\n")
	}
	cmd := exec.CommandContext(bound(t), i.Path, "--no-echo", "--no-save", "--no-restore", "--no-init-file")
	cmd.Dir, cmd.Env = t.TempDir(), environ(os.Environ()).clean()
	cmd.Stdin = strings.NewReader(script.String())
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	want := strings.Split(out.String(), end+"\n")
	if len(want) != len(replCases)+1 {
		t.Fatalf("%d answers for %d cases:\n%s", len(want)-1, len(replCases), out.String())
	}
	w := worker(t, R)
	for i, code := range replCases {
		r := execute(t, w, code)
		if r.Console != want[i] {
			t.Errorf("%s\nR prints:     %q\nworker prints: %q", code, want[i], r.Console)
		}
	}
}
