package codegen

import (
	"go/token"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// initialisms are written in capitals where they are a word of a Go name: Go's own, and units and abbreviations that columns
// of data are called after.
var initialisms = words(`acl api ascii cpu css csv db dns eof gpu guid html http https id io ip jpg json lhs os pdf png qps ram
	rhs rpc sla smtp sql ssh svg tcp tls ttl udp ui uid uri url utc utf8 uuid vm xml
	aic auc bic bmi bp cv eur fdr fpr gbp gdp glm hp kpi lm mae mpg mph mse pca pdf rmse roc sd se sms svc svm tpr usd vat vin`)

func words(list string) map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(list) {
		set[w] = true
	}
	return set
}

// goName is an exported Go name for a name on the wire: `Sepal.Length` becomes SepalLength, `hp` HP, `1st` X1st as in R.
// Different names can become the same.
func goName(name string) string {
	var b strings.Builder
	for _, word := range splitWords(name) {
		if lower := strings.ToLower(word); initialisms[lower] {
			b.WriteString(strings.ToUpper(word))
			continue
		}
		first, rest := cut(word)
		b.WriteRune(unicode.ToUpper(first))
		b.WriteString(rest)
	}
	s := b.String()
	if first, _ := cut(s); !unicode.IsUpper(first) {
		return "X" + s // a digit, a script without capitals, or nothing at all
	}
	return s
}

// splitWords cuts a name at everything that can't be in a Go name, and before a capital that follows a small letter.
func splitWords(name string) []string {
	var list []string
	for part := range strings.FieldsFuncSeq(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		start, last := 0, rune(0)
		for i, r := range part {
			if unicode.IsUpper(r) && unicode.IsLower(last) {
				list = append(list, part[start:i])
				start = i
			}
			last = r
		}
		list = append(list, part[start:])
	}
	return list
}

func cut(s string) (rune, string) {
	for i, r := range s {
		return r, s[i+len(string(r)):]
	}
	return 0, ""
}

// fieldNames gives each parameter a field name of its own; of several that would become the same the first keeps it, the
// others are numbered. No field is called as one of taken.
func fieldNames(list []parameter, taken ...string) []string {
	used, wanted := map[string]bool{}, map[string]bool{}
	for _, t := range taken {
		used[t] = true
	}
	for _, p := range list {
		wanted[goName(p.Name)] = true
	}
	names := make([]string, len(list))
	for i, p := range list {
		base := goName(p.Name)
		name := base
		for n := 2; used[name] || name != base && wanted[name]; n++ {
			name = base + strconv.Itoa(n)
		}
		used[name] = true
		names[i] = name
	}
	return names
}

// packageName is a name for a service's Go package: small letters and digits of ASCII, nothing that Go or the importing
// file has a use for already.
func packageName(service string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(strings.ToLower(service)) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case r == 'ß':
			b.WriteString("ss")
		}
	}
	name := b.String()
	switch {
	case name == "":
		return "service"
	case name[0] >= '0' && name[0] <= '9':
		return "service" + name
	case token.IsKeyword(name) || reserved[name]:
		return name + "service"
	}
	return name
}

// reserved names are legal for a package, and a nuisance where it is imported: Go's own, and those of the packages that
// callers of a service import as well.
var reserved = words(`any append bool byte cap clear close complex complex64 complex128 copy delete error false float32 float64
	imag init int int8 int16 int32 int64 iota len make max min new nil panic print println real recover rune string true uint
	uint8 uint16 uint32 uint64 uintptr comparable internal main vendor testdata
	context errors fmt http json log mlserver os runtime time`)

// methodName is the name of the method that calls the service: after its alias, Consume where it has none.
func methodName(alias string) string {
	if alias == "" || alias == "ConsumeWebService" {
		return "Consume"
	}
	name := goName(alias)
	switch name {
	case "StartBatch", "Batch", "Batches":
		return "Call" + name // the client has such a method
	}
	return name
}
