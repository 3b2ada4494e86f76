package main

import (
	"net/http"
	"slices"
	"strconv"
)

// descriptions is swagger/descriptions.yaml: one line of our own for everything that go-swagger writes into a doc comment.
type descriptions struct {
	Title       string
	Description string
	Tags        map[string]string
	Operations  map[string]string // by operationId
	Parameters  map[string]string // by name, or operationId.name where one line does not fit all
	Definitions map[string]string // Definition, Definition.property
}

// describe puts the lines into the document and returns what has none.
func (d descriptions) describe(doc map[string]any, version string) (undescribed []string) {
	line := func(lines map[string]string, keys ...string) any {
		for _, key := range keys {
			if text := lines[key]; text != "" {
				return text
			}
		}
		undescribed = append(undescribed, keys[0])
		return ""
	}
	doc["info"] = map[string]any{"title": d.Title, "description": d.Description, "version": version}
	for _, tag := range list(doc["tags"]) {
		tag := object(tag)
		tag["description"] = line(d.Tags, tag["name"].(string))
	}
	for _, path := range object(doc["paths"]) {
		for _, op := range object(path) {
			op := object(op)
			id, _ := op["operationId"].(string)
			op["description"] = line(d.Operations, id)
			for _, param := range list(op["parameters"]) {
				param := object(param)
				name, _ := param["name"].(string)
				param["description"] = line(d.Parameters, id+"."+name, name)
			}
			for code, response := range object(op["responses"]) {
				status, _ := strconv.Atoi(code)
				object(response)["description"] = http.StatusText(status)
			}
		}
	}
	for name, definition := range object(doc["definitions"]) {
		definition := object(definition)
		definition["description"] = line(d.Definitions, name)
		for prop, schema := range object(definition["properties"]) {
			schema := object(schema)
			if schema["$ref"] == nil { // beside a $ref nothing else counts
				schema["description"] = line(d.Definitions, name+"."+prop)
			}
		}
	}
	slices.Sort(undescribed)
	return slices.Compact(undescribed)
}

func object(v any) map[string]any { m, _ := v.(map[string]any); return m }
func list(v any) []any            { l, _ := v.([]any); return l }
