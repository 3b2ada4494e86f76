package runtimes

import "context"

// Find searches.
func Find(ctx context.Context, lang Language, explicit string) (*Interpreter, error) {
	if lang == R {
		return &Interpreter{Language: R, Path: "/usr/bin/R"}, nil
	}
	return &Interpreter{Language: Python, Path: "/usr/bin/python3"}, nil
}
