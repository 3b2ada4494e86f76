package transport_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-openapi/runtime"
	"github.com/go-openapi/strfmt"

	v930 "github.com/mlserver-go/mls/gen/v930"
	"github.com/mlserver-go/mls/gen/v930/consumption"
	"github.com/mlserver-go/mls/gen/v930/models"
	"github.com/mlserver-go/mls/gen/v930/services"
	"github.com/mlserver-go/mls/gen/v930/sessions"
	"github.com/mlserver-go/mls/wrapper/transport"
)

// TestStockRuntime runs the tests of this package over the runtime of go-openapi: what they see is the same.
func TestStockRuntime(t *testing.T) {
	for name, test := range map[string]func(*testing.T){
		"BadPathValuesAreNotSent":            TestBadPathValuesAreNotSent,
		"OtherPathValuesArriveAsTheyAre":     TestOtherPathValuesArriveAsTheyAre,
		"OnlyTheCallerLimitsTime":            TestOnlyTheCallerLimitsTime,
		"CancelledCallsReturn":               TestCancelledCallsReturn,
		"CancelledInEveryPhase":              TestCancelledInEveryPhase,
		"ParametersThatHaveNoJSON":           TestParametersThatHaveNoJSON,
		"RequestsSayWhoSendsThem":            TestRequestsSayWhoSendsThem,
		"Upload":                             TestUpload,
		"RefusedUpload":                      TestRefusedUpload,
		"Redirects":                          TestRedirects,
		"DownloadsArriveByteForByte":         TestDownloadsArriveByteForByte,
		"RefusedDownloadWritesNothing":       TestRefusedDownloadWritesNothing,
		"TruncatedBodiesAreErrors":           TestTruncatedBodiesAreErrors,
		"TruncatedErrorKeepsItsStatus":       TestTruncatedErrorKeepsItsStatus,
		"OneObjectInsteadOfAList":            TestOneObjectInsteadOfAList,
		"TextAnswers":                        TestTextAnswers,
		"AnswersThatAreNoDocument":           TestAnswersThatAreNoDocument,
		"NumbersKeepTheirDigits":             TestNumbersKeepTheirDigits,
		"UndocumentedSuccess":                TestUndocumentedSuccess,
		"DocumentsWithDefaultResponse":       TestDocumentsWithDefaultResponse,
		"ConnectionsAreUsedAgain":            TestConnectionsAreUsedAgain,
		"EveryErrorHasItsStatusAndWords":     TestEveryErrorHasItsStatusAndWords,
		"ErrorsAreBounded":                   TestErrorsAreBounded,
		"ErrorsTellTheRequest":               TestErrorsTellTheRequest,
		"CompressedAnswers":                  TestCompressedAnswers,
		"CompressedAnswersThatBreakOff":      TestCompressedAnswersThatBreakOff,
		"EndlessErrorIsNotReadToItsEnd":      TestEndlessErrorIsNotReadToItsEnd,
		"ErrorsRepeatNoSecret":               TestErrorsRepeatNoSecret,
		"ErrorHints":                         TestErrorHints,
		"ChallengeStandsInForAnEmptyBody":    TestChallengeStandsInForAnEmptyBody,
		"NetworkErrorsSayWhatToCheck":        TestNetworkErrorsSayWhatToCheck,
		"RedirectThatIsNoAddressHasNoSecret": TestRedirectThatIsNoAddressHasNoSecret,
		"PlainHTTPToTLS":                     TestPlainHTTPToTLS,
		"LongDocuments":                      TestLongDocuments,
	} {
		t.Run(name, test)
	}
}

// TestRequestsAreThoseOfTheStockRuntime compares what arrives at a server, but for the lengths of uploads, which the runtime does
// not tell, and the random boundaries of forms. (Where the path of the server has a space the runtime takes a slash within a value for
// one between steps; that is not compared.)
func TestRequestsAreThoseOfTheStockRuntime(t *testing.T) {
	var got string
	boundary := regexp.MustCompile(`[0-9a-f]{60}`)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		delete(r.Header, "Content-Length")
		got = r.Method + " " + r.RequestURI + " " + r.Host + "\n"
		for _, name := range slices.Sorted(maps.Keys(r.Header)) {
			got += fmt.Sprintln(name, r.Header[name])
		}
		got = boundary.ReplaceAllString(got+string(body), "BOUNDARY")
		_, _ = io.WriteString(w, "{}")
	}))
	t.Cleanup(srv.Close)
	partial, text := true, "some words"
	parallel := int32(3)
	for name, call := range map[string]func(api *v930.Mlserver, rt *transport.Transport) error{
		"document": func(api *v930.Mlserver, _ *transport.Transport) error {
			_, err := api.Consumption.ConsumeWebServiceContext(background, &consumption.ConsumeWebServiceParams{Name: "a b/ü", Version: "1.0",
				Inputs: models.ServiceInputs{"x": []byte(`"<&>"`), "n": []byte("12345678901234567890")}})
			return err
		},
		"query": func(api *v930.Mlserver, _ *transport.Transport) error {
			_, err := api.Consumption.GetBatchExecutionStatusContext(background, &consumption.GetBatchExecutionStatusParams{
				Name: "n", Version: "1 &2", ExecutionID: "?", ShowPartialResults: &partial})
			return err
		},
		"query and document": func(api *v930.Mlserver, _ *transport.Transport) error {
			_, _ = api.Consumption.StartBatchExecutionContext(background, &consumption.StartBatchExecutionParams{
				Name: "n", Version: "v", ParallelCount: &parallel, Rows: []models.ServiceInputs{{"x": []byte("1")}}})
			return nil
		},
		"nothing": func(api *v930.Mlserver, _ *transport.Transport) error {
			_, err := api.Sessions.CreateSessionContext(background, &sessions.CreateSessionParams{})
			return err
		},
		"stream": func(api *v930.Mlserver, _ *transport.Transport) error {
			_, err := api.Sessions.SetWorkspaceObjectContext(background, &sessions.SetWorkspaceObjectParams{ID: "s", ObjectName: "o",
				SerializedObject: io.NopCloser(strings.NewReader("bytes"))})
			return err
		},
		"form": func(api *v930.Mlserver, _ *transport.Transport) error {
			_, _ = api.Services.PatchRealtimeWebServiceByNameVersionContext(background, &services.PatchRealtimeWebServiceByNameVersionParams{
				Name: "n", Version: "v", Description: &text})
			return nil
		},
		"form with file": func(api *v930.Mlserver, _ *transport.Transport) error {
			_, _ = api.Services.PublishRealtimeWebServiceByNameVersionContext(background, &services.PublishRealtimeWebServiceByNameVersionParams{
				Name: "n", Version: "v", Description: &text, Model: runtime.NamedReader(`mo"del`, strings.NewReader("blob"))})
			return nil
		},
		"header and bytes": func(_ *v930.Mlserver, rt *transport.Transport) error {
			_, err := rt.Submit(&runtime.ClientOperation{Method: "PUT", PathPattern: "/raw/{missing}/", ConsumesMediaTypes: []string{runtime.DefaultMime},
				ProducesMediaTypes: []string{"text/plain", "text/csv"}, Reader: openDefault{},
				Params: runtime.ClientRequestWriterFunc(func(r runtime.ClientRequest, _ strfmt.Registry) error {
					if err := r.SetHeaderParam("x-own", "1", "2"); err != nil {
						return err
					}
					return r.SetBodyParam([]byte("bytes"))
				})})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			base := parse(t, srv.URL+"/behind/proxy")
			var arrived []string
			for _, with := range []func(*url.URL, *http.Client) *transport.Transport{transport.New, transport.NewStock} {
				rt := with(base, nil)
				if err := call(v930.New(rt, nil), rt); err != nil {
					t.Fatal(err)
				}
				arrived = append(arrived, got)
			}
			if arrived[0] != arrived[1] {
				t.Errorf("got\n%s\nand from the stock runtime\n%s", arrived[0], arrived[1])
			}
		})
	}
}
