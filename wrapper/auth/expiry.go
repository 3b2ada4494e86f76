package auth

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/mlserver-go/mls/gen/v930/models"
)

// defaultLifetime of an access token, as documented.
const defaultLifetime = time.Hour

// expiry is when the access token of an answer ends. Servers tell it as a lifetime, a point in time or both, as numbers or
// text, or not at all. The lifetime counts first: it is right even if the clocks of the two computers differ. A token that seems
// to have ended on arrival shows that they do.
func expiry(a *models.AccessTokenResponse, now time.Time) time.Time {
	if s, ok := seconds(a.ExpiresIn); ok && s > 0 {
		return now.Add(time.Duration(s * float64(time.Second)))
	}
	for _, read := range []func() (time.Time, bool){
		func() (time.Time, bool) { return instant(a.ExpiresOn) },
		func() (time.Time, bool) { return expiryOfJWT(a.AccessToken) },
	} {
		if t, ok := read(); ok && t.After(now) {
			return t
		}
	}
	return now.Add(defaultLifetime)
}

// seconds is a number, or a text that is one, of at most a hundred years.
func seconds(v any) (float64, bool) {
	const max = 100 * 365 * 24 * 3600
	s, ok := number(v)
	return s, ok && math.Abs(s) <= max
}

// instant is a number of seconds since 1970, or a text that is one or an RFC 3339 time; without a zone it is UTC.
func instant(v any) (time.Time, bool) {
	if s, ok := seconds(v); ok {
		return time.UnixMilli(int64(s * 1000)), true
	}
	text, ok := v.(string)
	if !ok {
		return time.Time{}, false
	}
	text = strings.TrimSpace(text)
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

func number(v any) (float64, bool) {
	var text string
	switch v := v.(type) {
	case float64:
		return v, !math.IsNaN(v)
	case json.Number:
		text = v.String()
	case string:
		text = strings.TrimSpace(v)
	default:
		return 0, false
	}
	f, err := strconv.ParseFloat(text, 64)
	return f, err == nil && !math.IsNaN(f)
}

// expiryOfJWT reads the claim without verifying anything: only the server can, and it will.
func expiryOfJWT(token string) (time.Time, bool) {
	var claims jwt.RegisteredClaims
	if _, _, err := jwt.NewParser().ParseUnverified(token, &claims); err != nil || claims.ExpiresAt == nil {
		return time.Time{}, false
	}
	return claims.ExpiresAt.Time, true
}
