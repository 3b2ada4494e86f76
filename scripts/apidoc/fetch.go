package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	publishedSite = "https://microsoft.github.io/deployr-api-docs"
	fetchTimeout  = time.Minute
	fetchLimit    = 16 << 20 // bytes; the published documents have under 100 KiB
)

var errNoDocument = errors.New("no such document")

// fetch brings the published document of a version into swagger/published, which git ignores.
func (p project) fetch(ctx context.Context, version string) error {
	doc, from, err := p.published(ctx, version)
	if err != nil {
		return err
	}
	name := p.swagger(filepath.Join("published", publishedName(version)))
	if err := writeFile(name, doc); err != nil {
		return err
	}
	fmt.Fprintf(p.out, "fetched %s (%d bytes)\n", from, len(doc))
	return nil
}

// published reads the document of a version from the site: <base>/<version>/swagger/<file>, or the shorter
// <base>/swagger/<file> that older articles name.
func (p project) published(ctx context.Context, version string) (doc []byte, from string, err error) {
	base := p.baseURL
	if base == "" {
		base = publishedSite
	}
	base = strings.TrimRight(base, "/")
	file := publishedName(version)
	var tried []string
	for _, from := range []string{base + "/" + version + "/swagger/" + file, base + "/swagger/" + file} {
		doc, err := read(ctx, from)
		if errors.Is(err, errNoDocument) {
			tried = append(tried, from)
			continue
		}
		if err == nil {
			err = plausible(doc, version)
		}
		if err != nil {
			return nil, "", fmt.Errorf("%s: %w", from, err)
		}
		return doc, from, nil
	}
	return nil, "", fmt.Errorf("no document for server version %s (the published ones are 9.0.1, 9.1.0, 9.2.0, 9.2.1 and 9.3.0); looked at\n  %s",
		version, strings.Join(tried, "\n  "))
}

func read(ctx context.Context, from string) ([]byte, error) {
	u, err := url.Parse(from)
	if err != nil {
		return nil, err
	}
	switch u.Scheme {
	case "file":
		doc, err := os.ReadFile(filepath.FromSlash(u.Path))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, errNoDocument
		}
		return doc, err
	case "http", "https":
	default:
		return nil, fmt.Errorf("SWAGGER_BASE_URL must begin with https://, http:// or file://")
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err
		}
		return nil, fmt.Errorf("cannot be reached: %w (offline: set SWAGGER_BASE_URL=file:///path/to/a/copy)", err)
	}
	defer res.Body.Close()
	switch res.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return nil, errNoDocument
	default:
		return nil, fmt.Errorf("answered %s", res.Status)
	}
	doc, err := io.ReadAll(io.LimitReader(res.Body, fetchLimit+1))
	if err == nil && len(doc) > fetchLimit {
		err = fmt.Errorf("is larger than %d bytes", fetchLimit)
	}
	return doc, err
}

// plausible refuses what is not the whole API document of that version.
func plausible(doc []byte, version string) error {
	doc = bytes.TrimSpace(withoutBOM(doc))
	if len(doc) == 0 {
		return errors.New("is empty")
	}
	if doc[0] == '<' {
		return errors.New("is an HTML page, not an API document: is SWAGGER_BASE_URL right?")
	}
	var head struct {
		Swagger string
		Info    struct{ Version string }
		Paths   map[string]json.RawMessage
	}
	if err := json.Unmarshal(doc, &head); err != nil {
		if strings.Contains(err.Error(), "unexpected end of JSON input") {
			return fmt.Errorf("is cut off after %d bytes: fetch it again", len(doc))
		}
		return fmt.Errorf("is not JSON: %w", err)
	}
	switch {
	case head.Swagger != "2.0" || len(head.Paths) == 0:
		return errors.New("is not a Swagger 2.0 document with paths")
	case head.Info.Version != version:
		return fmt.Errorf("is the document of version %q, not %s", head.Info.Version, version)
	}
	return nil
}

func withoutBOM(doc []byte) []byte { return bytes.TrimPrefix(doc, []byte("\xef\xbb\xbf")) }
