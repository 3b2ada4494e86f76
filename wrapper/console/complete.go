package console

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// completionTime is how long the Tab key may take.
const completionTime = time.Second

// Completions that R has for the line %s. The value of the only expression is what .Last.value was before.
const completionR = `(function(line) {
  utils:::.assignLinebuffer(line)
  utils:::.assignEnd(nchar(line, "chars"))
  utils:::.guessTokenFromLine()
  utils:::.completeToken()
  cat(utils:::.retrieveCompletions(), sep = "\n")
  invisible(get0(".Last.value"))
})(%s)`

// Completions that Python has for the word at the end of the line %s. An expression without value leaves nothing behind.
const completionPython = `exec("""if True:
    import re, rlcompleter
    word = re.search(r'[\\w.]*$', line).group()
    completer, n = rlcompleter.Completer(session), 0
    while word and n < 1000:
        found = completer.complete(word, n)
        if found is None:
            break
        print(found)
        n += 1
""", {'line': %s, 'session': globals()})`

// Complete is what the word before a position of the line, in bytes, can become: the names of the side where the line would run.
// Without an answer in time there are none.
func (c *Console) Complete(line string, pos int) []string {
	ctx, cancel := context.WithTimeout(context.Background(), completionTime)
	defer cancel()
	conn := c.conn()
	if !conn.Remote {
		words, _ := c.cfg.Local.Completions(ctx, line, pos)
		return words
	}
	if conn.Session == nil {
		return nil
	}
	literal, err := json.Marshal(line[:pos]) // R and Python read its escapes
	if err != nil {
		return nil
	}
	r, err := conn.Session.Execute(ctx, fmt.Sprintf(c.lang.completion, literal), mlserver.Execution{})
	if err != nil {
		return nil
	}
	var words []string
	for word := range strings.Lines(lines(r.Console)) {
		if word = strings.TrimRight(word, "\n"); word != "" {
			words = append(words, word)
		}
	}
	return words
}
