package runtimes

import (
	"strings"
	"testing"
)

func TestConsoleMark(t *testing.T) {
	for _, pieces := range [][]string{
		{"before\x02MARK\x03after"},
		{"before\x02MA", "RK\x03after"},
		{"before", "\x02", "M", "ARK", "\x03", "after"},
		{"be", "fore\x02MARK", "\x03"},
	} {
		c := &console{}
		c.add([]byte("dropped: nothing runs"))
		ended := c.begin("\x02MARK\x03")
		for _, p := range pieces {
			select {
			case <-ended:
			default:
				if strings.Contains(c.text(), "\x02") {
					t.Errorf("%q: a part of the mark is in the text: %q", pieces, c.text())
				}
			}
			c.add([]byte(p))
		}
		select {
		case <-ended:
		default:
			t.Errorf("%q: the mark was not found", pieces)
		}
		if got, want := c.text(), "before"; got != want {
			t.Errorf("%q: text %q, want %q", pieces, got, want)
		}
	}
}

func TestConsoleFalseMark(t *testing.T) {
	c := &console{}
	c.begin("\x02MARK\x03")
	c.add([]byte("a\x02MA"))
	c.add([]byte("LE\x02\x02"))
	c.end()
	if got, want := c.text(), "a\x02MALE\x02\x02"; got != want {
		t.Errorf("text %q, want %q", got, want)
	}
}

func TestConsoleOverflow(t *testing.T) {
	c := &console{}
	c.begin("\x02MARK\x03")
	line := []byte(strings.Repeat("x", 99) + "\n")
	c.add([]byte("first\n"))
	for range 30000 {
		c.add(line)
	}
	c.add([]byte("last\x02MARK\x03"))
	text := c.text()
	if !strings.HasPrefix(text, "first\n") || !strings.HasSuffix(text, "\nlast") {
		t.Errorf("the text begins %.20q and ends %q", text, text[len(text)-20:])
	}
	// 6 + 3000000 + 4 bytes were printed.
	if want := "\n[1951434 bytes of output left out]\n"; !strings.Contains(text, want) {
		t.Errorf("no %q in the text", want)
	} else if got := len(text) - len(want); got != consoleLimit {
		t.Errorf("%d bytes kept, want %d", got, consoleLimit)
	}
}

func TestConsoleOfAWorker(t *testing.T) {
	for _, test := range []struct {
		name string
		lang Language
		code string
		want string
	}{
		{"order", R, "cat('1 ');message('2');cat('3 '); system('echo 4; echo 5 >&2'); cat('6\\n')", "1 2\n3 4\n5\n6\n"},
		{"order", Python, "import sys, os\nfor i in range(3):\n  print(i, end=' '); print('e', file=sys.stderr)\n_ = os.system('echo child')", "0 e\n1 e\n2 e\nchild\n"},
		{"invalid UTF-8", R, "cat(rawToChar(as.raw(c(0x61, 0xff, 0x62))))", "a\uFFFDb"},
		{"invalid UTF-8", Python, "import os; _ = os.write(1, b'a\\xffb')", "a\uFFFDb"},
		{"UTF-8", R, "cat('é日\\n')", "é日\n"},
		{"UTF-8", Python, "print('é日')", "é日\n"},
		{"lone surrogate", Python, `print('\ud800')`, "\\ud800\n"},
		{"carriage returns", R, "cat('a')\r\ncat('b')\r\n", "ab"},
		{"echo", Python, "1\nx = 2\nx\nNone\n'a'", "1\n2\n'a'\n"},
		{"unfinished line", Python, "import sys; _ = sys.stdout.write('no newline')", "no newline"},
	} {
		t.Run(test.name+" "+string(test.lang), func(t *testing.T) {
			if got := consoleOf(t, common(t, test.lang), test.code); got != test.want {
				t.Errorf("console %q, want %q", got, test.want)
			}
		})
	}
}

func TestConsoleFlood(t *testing.T) {
	for lang, code := range map[Language]string{
		R:      "for (i in 1:200000) cat('line', i, '\\n')",
		Python: "for i in range(200000): print('line', i)",
	} {
		w := worker(t, lang)
		got := consoleOf(t, w, code)
		if !strings.Contains(got, "bytes of output left out]") || !strings.HasPrefix(got, "line") || len(got) > consoleLimit+100 {
			t.Errorf("%s: %d bytes, beginning %.20q", lang, len(got), got)
		}
		if got, want := w.Console(), got; got != want {
			t.Errorf("%s: Console differs from the result", lang)
		}
	}
}
