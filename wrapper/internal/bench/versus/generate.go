package main

// The client that oapi-codegen makes is not kept: it is of another generator than all that is under gen/.
//
//go:generate sh -c "go run convert.go <../../../../swagger/9.3.0.json >oapi/9.3.0.json"
//go:generate go tool oapi-codegen -config oapi/config.yaml oapi/9.3.0.json
