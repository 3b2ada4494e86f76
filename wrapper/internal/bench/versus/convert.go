//go:build ignore

// Convert makes OpenAPI 3, which is all that oapi-codegen reads, of the Swagger 2 document on standard input. What that tells
// go-swagger alone is left out.
package main

import (
	"encoding/json"
	"log"
	"maps"
	"os"
	"strings"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/getkin/kin-openapi/openapi2conv"
)

func main() {
	log.SetFlags(0)
	if err := convert(); err != nil {
		log.Fatal("convert: ", err)
	}
}

func convert() error {
	var raw map[string]any
	if err := json.NewDecoder(os.Stdin).Decode(&raw); err != nil {
		return err
	}
	withoutExtensions(raw)
	text, err := json.Marshal(raw)
	if err != nil {
		return err
	}
	var doc openapi2.T
	if err := json.Unmarshal(text, &doc); err != nil {
		return err
	}
	converted, err := openapi2conv.ToV3(&doc)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(converted)
}

func withoutExtensions(v any) {
	switch v := v.(type) {
	case map[string]any:
		maps.DeleteFunc(v, func(key string, _ any) bool { return strings.HasPrefix(key, "x-") })
		for _, value := range v {
			withoutExtensions(value)
		}
	case []any:
		for _, value := range v {
			withoutExtensions(value)
		}
	}
}
