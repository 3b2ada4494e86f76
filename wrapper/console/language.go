package console

import (
	"regexp"
	"strings"

	"github.com/mlserver-go/mls/wrapper/internal/lazyregexp"
)

// language is how a prompt looks and what can be said about code without running it.
type language struct {
	name       string
	prompt     string // of the local side
	more       string // the prompt of further lines
	unfinished func(code string) bool
	refused    func() *regexp.Regexp // what the server does not do
	completion string                // code that prints completions; %s is the line up to the cursor, as a literal
}

var (
	languageR = language{
		name: "R", prompt: "> ", more: "+ ", unfinished: unfinishedR,
		refused:    lazyregexp.New(`^\s*(\?|(q|quit|help|browser|vignette|example|demo)\s*\()`),
		completion: completionR,
	}
	languagePython = language{
		name: "Python", prompt: ">>> ", more: "... ", unfinished: unfinishedPython,
		refused:    lazyregexp.New(`^\s*((exit|quit|help|breakpoint)\s*\(|quit\s*$)`),
		completion: completionPython,
	}
)

// blank tells whether there is nothing to run.
func blank(code string) bool {
	for line := range strings.Lines(code) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			return false
		}
	}
	return true
}

var command = lazyregexp.New(`^\s*([A-Za-z]+(?:\([^()#]*\))?)\s*;?\s*(?:#.*)?$`)

// word is the command of a line that holds nothing else but a comment, such as "pause()"; else "".
func word(line string) string {
	if m := command().FindStringSubmatch(strings.TrimSpace(line)); m != nil {
		return strings.ReplaceAll(m[1], " ", "")
	}
	return ""
}

// localOnly are functions of mrsdeploy that the local side has; where the server has them too they don't work there.
var localOnly = lazyregexp.New(`\b(remoteLogin|remoteLoginAAD|remoteLogout|remoteExecute|remoteScript|diffLocalRemote|putLocalObject|getRemoteObject|` +
	`putLocalWorkspace|getRemoteWorkspace|putLocalFile|getRemoteFile|listRemoteFiles|deleteRemoteFile|createSnapshot|loadSnapshot|listSnapshots|` +
	`downloadSnapshot|deleteSnapshot|publishService|updateService|getService|listServices|deleteService|serviceOption|pause|resume)\s*\(`)

// unknown matches what R and Python say of a function that is not there, and mrsdeploy's functions in a session of a server that
// has mrsdeploy itself.
var unknown = lazyregexp.New(`could not find function|is not defined|missing URL`)

// advice is what to do instead of code that the server did not run, for a reason.
func (l *language) advice(code, reason string) string {
	if m := localOnly().FindStringSubmatch(code); m != nil && unknown().MatchString(reason) {
		if m[1] == "pause" {
			return "pause() goes to the local side when nothing else is in the line"
		}
		return m[1] + "() is a function of the local side: pause() goes there, resume() comes back"
	}
	if !l.refused().MatchString(code) {
		return ""
	}
	switch first := strings.TrimLeft(code, " \t\n?"); {
	case strings.HasPrefix(first, "q"), strings.HasPrefix(first, "exit"):
		return "exit ends the session and signs out; pause() leaves it on hold"
	case strings.HasPrefix(first, "br"):
		return "nobody can type into the session while it runs code: print what you want to see"
	}
	return "the server shows no help: pause(), then ask here"
}
