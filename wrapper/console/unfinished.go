package console

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// unfinishedR tells whether R would wait for more lines of this code: a bracket, quote or operator is open. It knows R's tokens
// and not its grammar: what it takes for complete may be wrong, which R then tells.
func unfinishedR(code string) bool {
	s := rScanner{rest: code}
	for s.rest != "" {
		if !s.token() {
			return true
		}
	}
	return len(s.open) > 0 && !s.wrong || s.wants
}

// rScanner goes through R code token by token.
type rScanner struct {
	rest  string
	open  []rBracket
	last  string // the word or operator before
	wants bool   // an operand, or the body of if, for, while, function
	wrong bool   // a bracket is closed that is not open: more lines don't help
}

type rBracket struct {
	closing byte
	head    bool // the condition or the arguments: a body follows
}

// token takes one token. It returns false if that is open at the end of the code.
func (s *rScanner) token() bool {
	c := s.rest[0]
	switch {
	case c == '#':
		_, s.rest, _ = strings.Cut(s.rest, "\n")
	case c == '\n' || c == ' ' || c == '\t' || c == '\r' || c == '\f':
		s.rest = s.rest[1:]
	case c == '"' || c == '\'' || c == '`':
		return s.quoted(1)
	case (c == 'r' || c == 'R') && len(s.rest) > 1 && (s.rest[1] == '"' || s.rest[1] == '\''):
		return s.raw()
	case c == '(' || c == '[' || c == '{':
		head := c == '(' && slices.Contains([]string{"if", "for", "while", "function", `\`}, s.last)
		s.open = append(s.open, rBracket{map[byte]byte{'(': ')', '[': ']', '{': '}'}[c], head})
		s.take(1, false)
	case c == ')' || c == ']' || c == '}':
		s.close(c)
	case c == ';':
		s.take(1, false)
	case c == '%':
		end := strings.IndexAny(s.rest[1:], "%\n")
		if end < 0 || s.rest[1+end] == '\n' { // R says so at once
			s.wrong, s.wants, s.rest = true, false, ""
			return true
		}
		s.take(end+2, true)
	case strings.IndexByte(`+-*/^<>=!&|~?:,$@\`, c) >= 0:
		s.take(1, c != ',')
	default:
		s.word()
	}
	return true
}

// take takes n bytes, after which an operand is wanted or not.
func (s *rScanner) take(n int, wants bool) {
	s.last, s.rest, s.wants = s.rest[:n], s.rest[n:], wants
}

func (s *rScanner) close(c byte) {
	if len(s.open) == 0 || s.open[len(s.open)-1].closing != c {
		s.wrong, s.wants, s.rest = true, false, ""
		return
	}
	head := s.open[len(s.open)-1].head
	s.open = s.open[:len(s.open)-1]
	s.take(1, head)
}

// word takes a name, a keyword or a number.
func (s *rScanner) word() {
	end := strings.IndexFunc(s.rest, func(r rune) bool {
		return r != '.' && r != '_' && r != utf8.RuneError && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
	})
	switch end {
	case -1:
		end = len(s.rest)
	case 0: // R knows no such sign
		_, end = utf8.DecodeRuneInString(s.rest)
	}
	name := s.rest[:end]
	s.take(end, name == "else" || name == "repeat" || name == "function" || name == "if" || name == "while" || name == "for" || name == "in")
}

// quoted takes a string or a quoted name, which begins after skip bytes.
func (s *rScanner) quoted(skip int) bool {
	quote := s.rest[skip-1]
	for i := skip; i < len(s.rest); i++ {
		switch s.rest[i] {
		case '\\':
			i++
		case quote:
			s.take(i+1, false)
			return true
		}
	}
	return false
}

// raw takes a raw string such as r"---(a "quoted" text)---".
func (s *rScanner) raw() bool {
	quote, inside := s.rest[1:2], s.rest[2:]
	dashes := inside[:len(inside)-len(strings.TrimLeft(inside, "-"))]
	inside = inside[len(dashes):]
	if inside == "" {
		return false
	}
	closing := map[byte]string{'(': ")", '[': "]", '{': "}"}[inside[0]]
	if closing == "" { // malformed, R says
		s.wrong, s.wants, s.rest = true, false, ""
		return true
	}
	_, after, ok := strings.Cut(inside[1:], closing+dashes+quote)
	if !ok {
		return false
	}
	s.take(len(s.rest)-len(after), false)
	return true
}

// compound are the words that begin a Python statement with a block.
var compound = []string{"if", "for", "while", "def", "class", "with", "try", "async", "@"}

// unfinishedPython tells whether Python's prompt would wait for more lines of this code: a bracket, a long string or a line is
// open, or a block, which an empty line ends.
func unfinishedPython(code string) bool {
	lines := strings.Split(code, "\n")
	depth, quote, joined, block := 0, "", false, false
	for _, line := range lines {
		if depth == 0 && quote == "" && !joined {
			block = block || startsBlock(line)
		}
		var ok bool
		if depth, quote, joined, ok = pythonLine(line, depth, quote); !ok {
			return false // Python says what is wrong
		}
	}
	if depth > 0 || quote != "" || joined {
		return true
	}
	return block && (len(lines) == 1 || strings.TrimSpace(lines[len(lines)-1]) != "")
}

func startsBlock(line string) bool {
	line = strings.TrimLeft(line, " \t")
	for _, word := range compound {
		if after, ok := strings.CutPrefix(line, word); ok && (word == "@" || after == "" || !isPythonName(after)) {
			return true
		}
	}
	code, _, _ := strings.Cut(line, "#")
	return strings.HasSuffix(strings.TrimRight(code, " \t"), ":") // match, and errors
}

func isPythonName(text string) bool {
	r, _ := utf8.DecodeRuneInString(text)
	return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r)
}

// pythonLine goes on with how many brackets are open, in which long string it is, and whether a backslash joins the next line.
func pythonLine(line string, depth int, quote string) (int, string, bool, bool) {
	for i := 0; i < len(line); {
		switch {
		case line[i] == '\\':
			if i == len(line)-1 {
				return depth, quote, quote == "", true
			}
			i += 2
		case quote != "" && strings.HasPrefix(line[i:], quote):
			i, quote = i+len(quote), ""
		case quote != "":
			i++
		case line[i] == '#':
			return depth, "", false, true
		case strings.HasPrefix(line[i:], `"""`) || strings.HasPrefix(line[i:], `'''`):
			i, quote = i+3, line[i:i+3]
		case line[i] == '"' || line[i] == '\'':
			i, quote = i+1, line[i:i+1]
		case strings.IndexByte("([{", line[i]) >= 0:
			i, depth = i+1, depth+1
		case strings.IndexByte(")]}", line[i]) >= 0:
			if depth == 0 {
				return 0, "", false, false
			}
			i, depth = i+1, depth-1
		default:
			i++
		}
	}
	if len(quote) == 1 { // a short string ends in its line
		return depth, quote, false, false
	}
	return depth, quote, false, true
}
