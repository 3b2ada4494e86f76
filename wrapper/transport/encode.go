package transport

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/go-openapi/runtime"
)

// body is what is sent, and its media type unless the header has one; nil for nothing.
func (c *call) body() (io.Reader, string, error) {
	picked := runtime.JSONMime
	if slices.Contains(c.reader.op.ConsumesMediaTypes, runtime.MultipartFormMime) {
		picked = runtime.MultipartFormMime
	} else if len(c.reader.op.ConsumesMediaTypes) > 0 {
		picked = c.reader.op.ConsumesMediaTypes[0]
	}
	if len(c.form) > 0 && picked == runtime.MultipartFormMime {
		return newUpload(c.form, nil)
	}
	if len(c.form) > 0 {
		return strings.NewReader(c.form.Encode()), picked, nil
	}
	if c.payload == nil {
		return nil, "", nil
	}
	if r, ok := c.payload.(io.Reader); ok {
		if t, ok := r.(runtime.ContentTyper); ok && t.ContentType() != "" {
			return r, t.ContentType(), nil
		}
		if slices.Contains(c.reader.op.ConsumesMediaTypes, runtime.DefaultMime) {
			picked = runtime.DefaultMime
		}
		return r, picked, nil
	}
	delete(c.header, "Content-Type") // the body is of the type that is written here
	if picked == runtime.JSONMime {
		body, err := encode(c.payload)
		return body, picked, err
	}
	var text bytes.Buffer
	err := runtime.ByteStreamProducer().Produce(&text, c.payload)
	return bytes.NewReader(text.Bytes()), picked, err
}

// encoder writes JSON as the runtime's producer does.
type encoder struct {
	text bytes.Buffer
	json *json.Encoder
}

var encoders = sync.Pool{New: func() any {
	e := &encoder{}
	e.json = json.NewEncoder(&e.text)
	e.json.SetEscapeHTML(false)
	return e
}}

// largest is how much memory is kept for the next call.
const largest = 64 << 10

func encode(v any) (io.Reader, error) {
	e := encoders.Get().(*encoder)
	e.text.Reset()
	if err := e.json.Encode(v); err != nil {
		return nil, err
	}
	if e.text.Cap() > largest {
		return bytes.NewReader(e.text.Bytes()), nil
	}
	text := bytes.Clone(e.text.Bytes()) // a request may be read after its answer has come
	encoders.Put(e)
	return bytes.NewReader(text), nil
}
