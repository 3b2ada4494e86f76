package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// minimal is a document with just enough of what the corrections of this test want.
const minimal = `{"swagger":"2.0","info":{"version":"9.1.0","description":"Prose."},
 "tags":[{"name":"Session APIs","description":"More prose."}],
 "paths":{"/things":{"get":{"operationId":"listThings","summary":"Prose.","tags":["Session APIs"],
   "responses":{"200":{"description":"Prose.","schema":{"type":"object","properties":{"description":{"type":"string","example":"x"}}}},"default":{"description":"Prose."}}}}},
 "definitions":{"Thing":{"type":"object","properties":{"size":{"type":"integer","description":"Prose."}}}}}`

const someDescriptions = `
title: T
description: D
tags: {Session APIs: about sessions}
operations: {listThings: lists things}
parameters: {}
definitions: {Thing: is a thing., Thing.size: how large}
`

// checkout is a project in a temporary folder with the given corrections.
func checkout(t *testing.T, baseURL, corrections string) project {
	t.Helper()
	p := project{root: t.TempDir(), baseURL: baseURL, out: io.Discard, warn: io.Discard}
	for name, text := range map[string]string{"corrections.yaml": corrections, "descriptions.yaml": someDescriptions} {
		if err := writeFile(p.swagger(name), []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func TestFetchRefusesWhatIsNoDocument(t *testing.T) {
	ctx := context.Background()
	answers := map[string]string{
		"/html/9.1.0/swagger/rserver-swagger-9.1.0.json":  "<!DOCTYPE html><title>Not here</title>",
		"/short/9.1.0/swagger/rserver-swagger-9.1.0.json": minimal[:200],
		"/text/9.1.0/swagger/rserver-swagger-9.1.0.json":  "{Hello}",
		"/empty/9.1.0/swagger/rserver-swagger-9.1.0.json": "",
		"/other/9.2.0/swagger/rserver-swagger-9.2.0.json": minimal,
		"/json/9.1.0/swagger/rserver-swagger-9.1.0.json":  `{"swagger":"2.0","info":{"version":"9.1.0"}}`,
		"/large/9.1.0/swagger/rserver-swagger-9.1.0.json": strings.Repeat(" ", fetchLimit+1),
	}
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/broken/") {
			http.Error(w, "oops", http.StatusBadGateway)
			return
		}
		answer, ok := answers[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		io.WriteString(w, answer)
	}))
	defer site.Close()
	gone := httptest.NewServer(nil)
	gone.Close()
	for _, test := range []struct{ base, version, want string }{
		{site.URL + "/html", "9.1.0", "HTML page"},
		{site.URL + "/short", "9.1.0", "cut off after 200 bytes"},
		{site.URL + "/text", "9.1.0", "not JSON"},
		{site.URL + "/empty", "9.1.0", "is empty"},
		{site.URL + "/other", "9.2.0", `version "9.1.0", not 9.2.0`},
		{site.URL + "/json", "9.1.0", "with paths"},
		{site.URL + "/large", "9.1.0", "larger than"},
		{site.URL + "/broken", "9.1.0", "502"},
		{site.URL + "/none", "9.8.7", "no document for server version 9.8.7"},
		{gone.URL, "9.1.0", "cannot be reached"},
		{"file://" + t.TempDir(), "9.1.0", "no document for server version 9.1.0"},
		{"ftp://example.com", "9.1.0", "must begin with https://"},
	} {
		p := checkout(t, test.base, "[]")
		err := p.fetch(ctx, test.version)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("fetch %s from %s: got error %v, want one with %q", test.version, test.base, err, test.want)
		}
		if _, err := os.Stat(p.swagger("published")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("fetch %s from %s failed and left something behind", test.version, test.base)
		}
	}
}

// TestPublishedAddresses: documents are at <version>/swagger/, and older texts leave out the version.
func TestPublishedAddresses(t *testing.T) {
	for version, file := range map[string]string{
		"9.0.1": "rserver-swagger-9.0.1.json", "9.1.0": "rserver-swagger-9.1.0.json", "9.2.0": "rserver-swagger-9.2.0.json",
		"9.2.1": "mlserver-swagger-9.2.1.json", "9.3.0": "mlserver-swagger-9.3.0.json",
	} {
		for _, at := range []string{"/" + version + "/swagger/" + file, "/swagger/" + file} {
			site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != at {
					http.NotFound(w, r)
					return
				}
				io.WriteString(w, strings.Replace(minimal, "9.1.0", version, 1))
			}))
			doc, from, err := (project{baseURL: site.URL}).published(context.Background(), version)
			if site.Close(); err != nil || from != site.URL+at || !strings.Contains(string(doc), version) {
				t.Errorf("%s: fetched from %s, %v, want %s", version, from, err, at)
			}
		}
	}
}

func TestFetchTriesTheShorterPath(t *testing.T) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/swagger/rserver-swagger-9.1.0.json" {
			http.NotFound(w, r)
			return
		}
		io.WriteString(w, "\xef\xbb\xbf"+minimal)
	}))
	defer site.Close()
	p := checkout(t, site.URL+"/", "[]")
	if err := p.fetch(context.Background(), "9.1.0"); err != nil {
		t.Fatal(err)
	}
	if err := p.correct("9.1.0"); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(p.swagger("9.1.0.json"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "Prose") || strings.Contains(string(text), `"example"`) {
		t.Errorf("prose of the published document is left in\n%s", text)
	}
	var doc struct {
		Paths map[string]map[string]struct {
			Description string
			Responses   map[string]struct {
				Schema struct{ Properties map[string]any }
			}
		}
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	get := doc.Paths["/things"]["get"]
	if got, want := get.Description, "lists things"; got != want {
		t.Errorf("description %q, want %q", got, want)
	}
	if get.Responses["200"].Schema.Properties["description"] == nil {
		t.Error("a property named description was taken for prose")
	}
}

func TestCorrections(t *testing.T) {
	for _, test := range []struct{ name, correction, want string }{
		{"merge adds", "at: [definitions, Thing, properties, size]\n  merge: {format: int64}", `{"format":"int64","type":"integer"}`},
		{"merge deletes", "at: [definitions, Thing, properties, size]\n  merge: {type: null, x: 1}", `{"x":1}`},
		{"replace", "at: [definitions, Thing, properties, size]\n  replace: {}", `{}`},
		{"where matches", "at: [definitions, '*', properties, '*']\n  where: {type: integer}\n  merge: {x: 1}", `{"type":"integer","x":1}`},
		{"where does not match", "at: [definitions, '*', properties, '*']\n  where: {type: string}\n  merge: {x: 1}", "nothing at definitions > * > properties > *"},
		{"nothing there", "at: [definitions, Other]\n  remove: true", "nothing at definitions > Other"},
		{"there already", "at: [definitions, Thing]\n  add: {}", "is there already"},
		{"no parent", "at: [definitions, Other, x]\n  add: {}", `nothing at "Other"`},
		{"too new", "since: 9.2.1\n  at: [definitions, Other]\n  remove: true", `{"type":"integer"}`},
		{"too old", "until: 9.0.1\n  at: [definitions, Other]\n  remove: true", `{"type":"integer"}`},
		{"misspelt", "at: [definitions, Thing]\n  delete: true", "delete not found"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := checkout(t, "", "- why: because\n  "+test.correction+"\n")
			text, _, err := p.corrected([]byte(minimal), "9.1.0")
			if err != nil {
				if !strings.Contains(err.Error(), test.want) {
					t.Fatalf("got error %v, want %q", err, test.want)
				}
				return
			}
			var doc struct {
				Definitions struct {
					Thing struct{ Properties struct{ Size map[string]any } }
				}
			}
			if err := json.Unmarshal(text, &doc); err != nil {
				t.Fatal(err)
			}
			delete(doc.Definitions.Thing.Properties.Size, "description")
			got, _ := json.Marshal(doc.Definitions.Thing.Properties.Size)
			if string(got) != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestCorrectionNeedsReason(t *testing.T) {
	p := checkout(t, "", "- at: [definitions, Thing]\n  remove: true\n")
	if _, _, err := p.corrected([]byte(minimal), "9.1.0"); err == nil {
		t.Error("a correction without a reason was applied")
	}
}

func TestAFailedCorrectionLeavesTheCommittedDocument(t *testing.T) {
	p := checkout(t, "", "- why: because\n  at: [definitions, Other]\n  remove: true\n")
	if err := writeFile(p.swagger("published/rserver-swagger-9.1.0.json"), []byte(minimal)); err != nil {
		t.Fatal(err)
	}
	if err := writeFile(p.swagger("9.1.0.json"), []byte("as it was")); err != nil {
		t.Fatal(err)
	}
	if err := p.correct("9.1.0"); err == nil {
		t.Fatal("no error")
	}
	if got, _ := os.ReadFile(p.swagger("9.1.0.json")); string(got) != "as it was" {
		t.Errorf("the document became %q", got)
	}
}

// TestNoLineIsLeftOver keeps descriptions.yaml from collecting lines for what no document has any more.
func TestNoLineIsLeftOver(t *testing.T) {
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	p := project{root: root}
	versions, err := p.committed()
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, v := range versions {
		text, err := os.ReadFile(p.swagger(v + ".json"))
		if err != nil {
			t.Fatal(err)
		}
		var doc struct {
			Tags  []struct{ Name string }
			Paths map[string]map[string]struct {
				OperationID string
				Parameters  []struct{ Name string }
			}
			Definitions map[string]struct{ Properties map[string]any }
		}
		if err := json.Unmarshal(text, &doc); err != nil {
			t.Fatal(err)
		}
		for _, tag := range doc.Tags {
			used["tags "+tag.Name] = true
		}
		for _, operations := range doc.Paths {
			for _, op := range operations {
				used["operations "+op.OperationID] = true
				for _, param := range op.Parameters {
					used["parameters "+param.Name] = true
					used["parameters "+op.OperationID+"."+param.Name] = true
				}
			}
		}
		for name, definition := range doc.Definitions {
			used["definitions "+name] = true
			for property := range definition.Properties {
				used["definitions "+name+"."+property] = true
			}
		}
	}
	text, err := os.ReadFile(p.swagger("descriptions.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var d descriptions
	if err := yaml.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	for section, lines := range map[string]map[string]string{"tags": d.Tags, "operations": d.Operations, "parameters": d.Parameters, "definitions": d.Definitions} {
		if len(lines) == 0 {
			t.Errorf("no lines under %s", section)
		}
		for key := range lines {
			if !used[section+" "+key] {
				t.Errorf("descriptions.yaml: no document has %s %s", section, key)
			}
		}
	}
}

func TestVersions(t *testing.T) {
	for _, bad := range []string{"", "9.1", "9.1.0.1", "v9.1.0", "../9.1.0", "9.1.x"} {
		if err := run(context.Background(), []string{"fetch", bad}, io.Discard, io.Discard); err == nil {
			t.Errorf("fetch took %q for a version", bad)
		}
	}
	for version, want := range map[string]string{
		"9.0.1": "rserver-swagger-9.0.1.json", "9.2.0": "rserver-swagger-9.2.0.json",
		"9.2.1": "mlserver-swagger-9.2.1.json", "9.3.0": "mlserver-swagger-9.3.0.json",
	} {
		if got := publishedName(version); got != want {
			t.Errorf("published name of %s is %s, want %s", version, got, want)
		}
	}
	p := checkout(t, "", "[]")
	if _, err := p.committed(); err == nil {
		t.Error("no documents, and no error")
	}
	if _, err := p.generated(context.Background(), "9.1.0"); err == nil || !strings.Contains(err.Error(), "make fetch VERSION=9.1.0") {
		t.Errorf("generating without a document: %v", err)
	}
}

// TestCheckSeesDrift changes one generated file and one document, and expects check to name both.
func TestCheckSeesDrift(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the generator")
	}
	ctx := context.Background()
	site := t.TempDir()
	published := filepath.Join(site, "9.1.0", "swagger", "rserver-swagger-9.1.0.json")
	if err := writeFile(published, []byte(minimal)); err != nil {
		t.Fatal(err)
	}
	p := checkout(t, "file://"+site, "- why: errors are the transport's\n  at: [paths, '*', '*', responses, default]\n  remove: true\n")
	for _, step := range []func() error{
		func() error { return p.fetch(ctx, "9.1.0") },
		func() error { return p.correct("9.1.0") },
		func() error { return p.generate(ctx, nil) },
		func() error { return p.check(ctx) },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	stale := filepath.Join(p.root, "gen", "v910", "stale.go")
	if err := writeFile(stale, []byte("package v910\n")); err != nil {
		t.Fatal(err)
	}
	if err := p.check(ctx); err == nil || !strings.Contains(err.Error(), "gen/v910") || !strings.Contains(err.Error(), "stale.go") {
		t.Errorf("a file too many in gen/: check says %v", err)
	}
	if err := p.generate(ctx, []string{"9.1.0"}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(stale); !errors.Is(err, fs.ErrNotExist) {
		t.Error("generate left a stale file")
	}
	doc, err := os.ReadFile(p.swagger("9.1.0.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := writeFile(p.swagger("9.1.0.json"), append(doc, '\n')); err != nil {
		t.Fatal(err)
	}
	if err := p.check(ctx); err == nil || !strings.Contains(err.Error(), "swagger/9.1.0.json is not what") {
		t.Errorf("a changed document: check says %v", err)
	}
}
