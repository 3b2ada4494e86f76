package mlserver

import (
	"fmt"
	"strings"
	"testing"
)

func TestFollower(t *testing.T) {
	for _, test := range []struct {
		name   string
		old    string
		grows  bool
		polled []string
		end    string
		want   string
	}{
		{"at once", "", false, nil, "a\nb\n", "a\nb\n"},
		{"piece by piece", "", false, []string{"", "a\n", "a\n", "a\nb"}, "a\nb\nc", "a\n|b|\nc"},
		{"lines of Windows", "", false, []string{"a\r", "a\r\nb\r\n"}, "a\r\nb\r\n", "a|\nb\n"},
		{"half a character", "", false, []string{"gr\uFFFD", "grü\uFFFD"}, "grün\uFFFD", "gr|ü|n\uFFFD"},
		{"an earlier execution's text at first", "old", false, []string{"old\n", "new\n"}, "new\nend\n", "new\n|end\n"},
		{"the same text as the earlier execution", "old", false, []string{"old\n", "old\n"}, "old\n", "old\n"},
		{"the beginning of the earlier execution's text", "a\nb", false, []string{"a\nb\n", "a\n", "a\nb\n"}, "a\nb\n", "a\n|b\n"},
		{"an earlier execution's text that ends with no character", "old", false, []string{"old\uFFFD"}, "new", "new"},
		{"nothing after an earlier execution", "old", false, []string{"old\n"}, "", ""},
		{"nothing at first, and then the earlier execution's text", "old", false, []string{"", "old\n"}, "old\nx", "old\n|x"},
		{"an execution of another process still runs", "old", true, []string{"old\n", "old\nolder\n", "", "new\n"}, "new\nend\n", "new\n|end\n"},
		{"one that printed nothing so far", "", false, []string{"a\n"}, "a\n", "a\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out pieces
			f := &follower{w: &out, old: test.old, began: test.old == "", grows: test.grows}
			for _, text := range test.polled {
				f.show(text)
			}
			f.finish(test.end)
			if got := strings.Join(out, "|"); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

type pieces []string

func (p *pieces) Write(text []byte) (int, error) {
	*p = append(*p, string(text))
	return len(text), nil
}

// kept is what a server keeps of a text: its first and last limit bytes.
func kept(text string, limit int) string {
	if len(text) <= 2*limit {
		return text
	}
	return text[:limit] + fmt.Sprintf("\n[%d bytes left out]\n", len(text)-2*limit) + text[len(text)-limit:]
}

// TestFollowerOfALongText follows a text of which the server keeps the beginning and the end: what was still there when it was
// asked for is shown, each line once, and the server's words tell of a gap.
func TestFollowerOfALongText(t *testing.T) {
	const limit = 50_000
	var whole, out strings.Builder
	f := &follower{w: &out, began: true}
	line := 0
	print := func(n int) {
		for range n {
			fmt.Fprintf(&whole, "line %d\n", line)
			line++
		}
	}
	for _, n := range []int{100, 5000, 5000, 1000, 1, 2000, 0} { // steadily: nothing is missed
		print(n)
		f.show(kept(whole.String(), limit))
	}
	if got, want := out.String(), whole.String(); got != want {
		t.Fatalf("of %d bytes %d were shown, want all of them once", len(want), len(got))
	}
	print(100_000) // too much at once
	f.show(kept(whole.String(), limit))
	print(10)
	text := kept(whole.String(), limit)
	f.finish(text)
	lines := strings.Split(out.String(), "\n")
	seen := map[string]int{}
	for _, l := range lines {
		seen[l]++
	}
	for i := range line {
		if n := seen[fmt.Sprint("line ", i)]; n > 1 {
			t.Fatalf("line %d was shown %d times", i, n)
		}
	}
	if tail := whole.String()[whole.Len()-limit:]; !strings.HasSuffix(out.String(), tail) {
		t.Errorf("the end of the text was not shown")
	}
	if !strings.Contains(out.String(), "bytes left out]\n") {
		t.Errorf("nothing tells of the gap")
	}
}

func TestUnseen(t *testing.T) {
	x := strings.Repeat("x", 10_000)
	for _, test := range []struct{ name, printed, text, want string }{
		{"another text", "abc", "xyz", "xyz"},
		{"a text that begins alike", "abc", "abx", "x"},
		{"a character that begins alike", "aé", "aè", "è"},
		{"nothing", "abc", "", ""},
		{"the end moves on", "head" + x + "yz", "head[1]" + x[1:] + "yz!", "!"},
		{"a gap", "head" + x, "head[9]" + strings.Repeat("z", 9), "[9]zzzzzzzzz"},
	} {
		if got := unseen(test.printed, test.text); got != test.want {
			t.Errorf("%s: got %.40q, want %.40q", test.name, got, test.want)
		}
	}
}
