package mrsdeploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// function is what stands behind a function of mrsdeploy on this side of the pipe.
type function func(ctx context.Context, a args) (answer, error)

// args are the arguments of a call, as JSON.
type args map[string]json.RawMessage

// answer is what a function returns: named values.
type answer []runtimes.Input

// table lists the functions by the name that the R and Python code calls them with.
func (l *Local) table() map[string]function {
	return map[string]function{
		"readline":        l.readLine,
		"login":           l.remoteLogin,
		"logout":          l.remoteLogout,
		"switch":          l.switchSide,
		"environmentCode": l.environmentCode,
		"diff":            l.inSession(l.diff),

		"putObject":   l.inSession(l.putObject),
		"putIntoList": l.inSession(l.putIntoList),
		"getObject":   l.inSession(getObject),
		"listObjects": l.inSession(listObjects),

		"putFile":    l.inSession(putFile),
		"getFile":    l.inSession(getFile),
		"listFiles":  l.inSession(listFiles),
		"deleteFile": l.inSession(deleteFile),

		"createSnapshot":   l.inSession(createSnapshot),
		"loadSnapshot":     l.inSession(loadSnapshot),
		"listSnapshots":    l.signedIn(listSnapshots),
		"downloadSnapshot": l.signedIn(downloadSnapshot),
		"deleteSnapshot":   l.signedIn(deleteSnapshot),

		"execute":       l.inSession(l.execute),
		"fetchPlots":    l.inSession(fetchPlots),
		"detach":        l.signedIn(l.detach),
		"detachedState": l.detachedState,
		"detachedWait":  l.detachedWait,

		"listServices":  l.signedIn(listServices),
		"getService":    l.onService(l.getService),
		"swagger":       l.onService(swagger),
		"deleteService": l.onService(deleteService),
		"publish":       l.signedIn(l.publish),
		"update":        l.onService(l.update),
		"consume":       l.consume,

		"startBatch":    l.startBatch,
		"batchResults":  l.onBatch(batchResults),
		"cancelBatch":   l.onBatch(cancelBatch),
		"listBatches":   l.onService(listBatches),
		"batchFiles":    l.onBatch(batchFiles),
		"batchFile":     l.onBatch(batchFile),
		"downloadBatch": l.onBatch(downloadBatch),

		"setPool":    l.onService(setPool),
		"poolStatus": l.onService(poolStatus),
		"deletePool": l.onService(deletePool),
	}
}

// signedIn is a function that works with the login that there must be.
func (l *Local) signedIn(f func(context.Context, *mlserver.Client, args) (answer, error)) function {
	return func(ctx context.Context, a args) (answer, error) {
		if l.connection.Client == nil {
			return nil, errNotLoggedIn
		}
		return f(ctx, l.connection.Client, a)
	}
}

// inSession is a function that works in the session that there must be.
func (l *Local) inSession(f func(context.Context, *mlserver.Session, args) (answer, error)) function {
	return func(ctx context.Context, a args) (answer, error) {
		s, err := l.session()
		if err != nil {
			return nil, err
		}
		return f(ctx, s, a)
	}
}

// onService is a function of the service that its arguments name.
func (l *Local) onService(f func(context.Context, *mlserver.Service, args) (answer, error)) function {
	return func(ctx context.Context, a args) (answer, error) {
		s, err := l.named(ctx, a)
		if err != nil {
			return nil, err
		}
		return f(ctx, s, a)
	}
}

// onBatch is a function of the batch that its arguments name.
func (l *Local) onBatch(f func(context.Context, *mlserver.Checked, *mlserver.Batch, args) (answer, error)) function {
	return func(ctx context.Context, a args) (answer, error) {
		s, err := l.checked(ctx, a)
		if err != nil {
			return nil, err
		}
		id, err := a.needed("id")
		if err != nil {
			return nil, err
		}
		return f(ctx, s, s.Batch(id), a)
	}
}

// call answers the local process.
func (l *Local) call(ctx context.Context, name string, named []runtimes.Named) ([]runtimes.Input, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.functions[name]
	if f == nil {
		return nil, fmt.Errorf("there is no function %s", name)
	}
	a := args{}
	for _, n := range named {
		a[n.Name] = n.Value
	}
	answer, err := f(ctx, a)
	return answer, l.explain(err)
}

// explain adds the way out to an error, in mrsdeploy's terms.
func (l *Local) explain(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, mlserver.ErrGone):
		return fmt.Errorf("%w\nthe remote session has ended: remoteLogout(), then remoteLogin() for another one", err)
	case errors.Is(err, mlserver.ErrUnauthorized) && l.connection.Client != nil:
		return fmt.Errorf("%w\nthe login is not valid any more: remoteLogin() again", err)
	}
	return err
}

// decode reads an argument; null leaves dst as it is.
func (a args) decode(name string, dst any) error {
	raw := a[name]
	if len(raw) == 0 {
		return nil
	}
	if err := json.Unmarshal(raw, dst); err != nil {
		return fmt.Errorf("argument %s: %s does not fit", name, short(raw))
	}
	return nil
}

func short(raw json.RawMessage) string {
	const most = 60
	if len(raw) > most {
		return string(raw[:most]) + "..."
	}
	return string(raw)
}

// text is a text argument; empty for none.
func (a args) text(name string) (s string, err error) {
	return s, a.decode(name, &s)
}

// needed is a text argument that must be there.
func (a args) needed(name string) (string, error) {
	s, err := a.text(name)
	if err == nil && s == "" {
		err = fmt.Errorf("argument %q must be a text that is not empty", name)
	}
	return s, err
}

// texts is an argument of several texts; R sends a single one as it is, and none as [].
func (a args) texts(name string) (list []string, err error) {
	if raw := a[name]; strings.HasPrefix(string(raw), `"`) {
		one, err := a.text(name)
		return []string{one}, err
	}
	return list, a.decode(name, &list)
}

func (a args) flag(name string) (b bool, err error) { return b, a.decode(name, &b) }

func (a args) number(name string) (n int, err error) {
	var f float64
	if err := a.decode(name, &f); err != nil {
		return 0, err
	}
	if f != float64(int(f)) {
		return 0, fmt.Errorf("argument %q must be a whole number, not %v", name, f)
	}
	return int(f), nil
}

// given tells whether an argument was given, and is not NULL.
func (a args) given(name string) bool {
	raw := a[name]
	return len(raw) > 0 && string(raw) != "null"
}

// with adds a value to an answer. It must have a form in JSON.
func (as answer) with(name, kind string, value any) answer {
	raw, err := json.Marshal(value)
	if err != nil { // our own values
		panic(err)
	}
	return append(as, runtimes.Input{Name: name, Type: kind, Value: raw})
}

// readLine stands behind R's readline and Python's input.
func (l *Local) readLine(ctx context.Context, a args) (answer, error) {
	prompt, err := a.text("prompt")
	if err != nil {
		return nil, err
	}
	hidden, err := a.flag("hidden")
	if err != nil {
		return nil, err
	}
	if l.o.ReadLine == nil { // as R does when it is not interactive
		_, _ = io.WriteString(l.out, prompt+"\n")
		return answer{}.with("line", "character", "").with("ended", "logical", true), nil
	}
	line, err := l.o.ReadLine(ctx, prompt, hidden)
	if errors.Is(err, io.EOF) {
		return answer{}.with("line", "character", "").with("ended", "logical", true), nil
	}
	if err != nil {
		return nil, err
	}
	return answer{}.with("line", "character", line), nil
}
