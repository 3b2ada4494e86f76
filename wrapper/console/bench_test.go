package console

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mlserver-go/mls/wrapper/console/mrsdeploy"
	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
	"github.com/mlserver-go/mls/wrapper/mlserver"
)

// BenchmarkPromptToAnswer types 1+1 at the remote prompt, while the local side is there: it is asked whether that is complete. It reports the median time until the prompt is there again, the median
// time that the same execution takes without a prompt, and the median of the differences, in milliseconds.
func BenchmarkPromptToAnswer(b *testing.B) {
	for _, language := range []mlserver.Runtime{mlserver.R, mlserver.Python} {
		b.Run(string(language), func(b *testing.B) {
			u := open(sharedServer(b), Login{NoDiff: true}, withLocal(b, language))
			var atPrompt, beyond, alone []float64
			for b.Loop() {
				start := time.Now()
				if got := u.types("1+1"); got != "[1] 2\n" && got != "2\n" {
					b.Fatalf("printed %q", got)
				}
				prompt := time.Since(start)
				start = time.Now()
				if _, err := u.conn().Session.Execute(bound(b), "1+1", mlserver.Execution{}); err != nil {
					b.Fatal(err)
				}
				server := time.Since(start)
				atPrompt, alone = append(atPrompt, ms(prompt)), append(alone, ms(server))
				beyond = append(beyond, ms(prompt-server))
			}
			b.ReportMetric(median(atPrompt), "prompt-ms/op")
			b.ReportMetric(median(alone), "server-ms/op")
			b.ReportMetric(median(beyond), "beyond-ms/op")
		})
	}
}

// BenchmarkFirstOutput runs code that prints the time, and goes on. It reports the median and the longest time until that is
// seen, in milliseconds.
func BenchmarkFirstOutput(b *testing.B) {
	u := open(sharedServer(b), Login{})
	var delays []float64
	for b.Loop() {
		// It is printed at some moment, not at once.
		pause := 0.05 + 0.013*float64(len(delays)%50)
		u.begins(fmt.Sprintf(`Sys.sleep(%f); cat(sprintf("%%.6f\n", Sys.time())); Sys.sleep(0.5)`, pause))
		u.awaitText("\n")
		seen := time.Now()
		var printed float64
		if _, err := fmt.Sscan(u.seen(), &printed); err != nil {
			b.Fatal(err)
		}
		delays = append(delays, float64(seen.UnixMicro())/1000-printed*1000)
		u.await()
	}
	b.ReportMetric(median(delays), "delay-ms/op")
	b.ReportMetric(slices.Max(delays), "longest-ms/op")
}

// withLocal has a real local side.
func withLocal(t testing.TB, language mlserver.Runtime) func(*Config) {
	return func(c *Config) {
		local, err := mrsdeploy.Start(bound(t), mrsdeploy.Options{
			Language: runtimes.Language(language), Program: interpreter(t, language).Path, Dir: t.TempDir(), Out: c.Out,
		})
		if err != nil {
			t.Fatal(err)
		}
		c.Language, c.Local = language, local
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// BenchmarkUnfinished is the guess about one line of a long function.
func BenchmarkUnfinished(b *testing.B) {
	code := "f <- function(x) {\n" + strings.Repeat("  y <- c(x, 'a (string)') # comment\n", 200)
	for b.Loop() {
		if !unfinishedR(code) {
			b.Fatal("finished")
		}
	}
}
