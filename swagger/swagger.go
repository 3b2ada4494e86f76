// Package swagger holds the corrected API documents that gen/ is generated from and the development server takes its routes
// from. scripts/apidoc makes them; corrections.yaml and descriptions.yaml say in which way they differ from the published ones.
package swagger

import (
	"embed"
	"fmt"
	"strings"
)

//go:embed *.json
var documents embed.FS

// Document is the API document of a server version such as "9.3.0".
func Document(version string) ([]byte, error) {
	doc, err := documents.ReadFile(version + ".json")
	if err != nil {
		return nil, fmt.Errorf("no API document for server version %q: have %s", version, strings.Join(Versions(), ", "))
	}
	return doc, nil
}

// Versions lists the server versions that have a document, oldest first.
func Versions() []string {
	entries, _ := documents.ReadDir(".") // an embedded folder can be read
	var versions []string
	for _, e := range entries { // ReadDir sorts by name
		versions = append(versions, strings.TrimSuffix(e.Name(), ".json"))
	}
	return versions
}
