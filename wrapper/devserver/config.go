package devserver

import (
	"crypto/rsa"
	"log/slog"
	"net/http"
	"runtime"
	"time"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
)

// Config says which server to play and how. The zero value plays 9.3.0 with a generated password and keeps nothing.
type Config struct {
	APIVersion string // "9.0.1", "9.1.0", "9.2.0", "9.2.1" or "9.3.0", the default

	AdminPassword string            // of the local account "admin"; generated when empty, see Server.AdminPassword
	Users         map[string]string // further local accounts: name to password
	LDAP          *LDAP             // if set, users of this directory sign in, and no local account
	Roles         Roles             // of accounts; with none assigned all but admin are Contributors
	AzureAD       *AzureAD          // if set, tokens of Azure AD are what signs in, and no local account

	R, Python string // programs to run; when empty $MLS_R and $MLS_PYTHON, else found by probing
	// Interpreters were found before, by another server perhaps: their languages are not probed for again.
	Interpreters []*runtimes.Interpreter

	// DataDir keeps services, snapshots, sign-ins and the signing key over a restart. One server at a time may use it.
	// When empty a temporary directory is used, and removed by Close. Sessions never survive.
	DataDir string

	AccessLifetime time.Duration   // of an access token, default 1 h
	RefreshIdle    time.Duration   // how long a refresh token may lie unused, default 14 days
	RefreshChain   time.Duration   // how long renewals may follow a login, default 90 days
	SigningKey     *rsa.PrivateKey // signs access tokens; by default kept in DataDir, made when there is none

	SpareWorkers int   // processes per language kept warm for the next session, default 1, negative for none
	MaxSessions  int   // open sessions of all users, default 20
	MaxBody      int64 // largest JSON body in bytes, default 64 MiB
	MaxUpload    int64 // largest file or object sent in bytes, default 0: no limit
	// StrangerTimeout is how long those may take to send a request who have no token, or not yet; default 30 s. Who has one may
	// take any time: files are large, and networks slow.
	StrangerTimeout time.Duration
	MemoryLimit     uint64 // address space of each R or Python process in bytes, default 0: no limit

	SessionIdle time.Duration // after which a session that nobody uses ends, default 0: never

	ServiceWorkers int           // processes per service version, default one per CPU
	ServiceIdle    time.Duration // after which an unused one ends, default 10 min
	ServiceTimeout time.Duration // of one call to a service, default 1 h

	MaxBatches    int           // batches of one user; a new one takes the place of the oldest that is over; default 50
	BatchesAtOnce int           // batches whose rows are run at the same time, those of all users; default 4
	BatchKeep     time.Duration // how long a batch that is over is kept with its results, default 24 h

	Clock  func() time.Time // default time.Now
	Logger *slog.Logger     // default: nothing is logged
	Faults Faults           // misbehaviour for tests, see also Server.SetFaults
}

func (c Config) withDefaults() Config {
	def(&c.APIVersion, "9.3.0")
	def(&c.AccessLifetime, time.Hour)
	def(&c.RefreshIdle, 14*24*time.Hour)
	def(&c.RefreshChain, 90*24*time.Hour)
	def(&c.SpareWorkers, 1)
	def(&c.MaxSessions, 20)
	def(&c.MaxBody, 64<<20)
	def(&c.StrangerTimeout, 30*time.Second)
	def(&c.ServiceWorkers, runtime.NumCPU())
	def(&c.ServiceIdle, 10*time.Minute)
	def(&c.ServiceTimeout, time.Hour)
	def(&c.MaxBatches, 50)
	def(&c.BatchesAtOnce, 4)
	def(&c.BatchKeep, 24*time.Hour)
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func def[T comparable](v *T, value T) {
	var zero T
	if *v == zero {
		*v = value
	}
}

// Faults makes the server misbehave in ways that real ones are known or suspected to. The zero value behaves.
type Faults struct {
	ExpiresOn     string            // form of expires_on at login: "" or "number", "string", "missing"
	ServiceObject bool              // GET /services/{name}/{version} answers the service itself, not an array with it
	CodeFailure   int               // status of a service call whose code fails: 0 is 200 with success:false; 400 or 500
	Duplicate     int               // status of publishing a version that exists: 0 is 409; 403
	Delay         time.Duration     // before every answer
	LateLastChunk time.Duration     // every answer is chunked, and its end comes this much later than the rest
	Answers       map[string]Answer // by operationId: what to answer instead, before any check
}

// Answer is a canned answer.
type Answer struct {
	Status int
	Header http.Header
	Body   string
	Times  int // after this many the operation works again; 0: always
}
