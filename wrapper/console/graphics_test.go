package console

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mattn/go-sixel"
)

func TestDetectGraphics(t *testing.T) {
	for env, want := range map[string]Graphics{
		"TERM=xterm-256color":                           NoGraphics,
		"TERM=xterm-kitty KITTY_WINDOW_ID=1":            Kitty,
		"TERM=xterm-ghostty":                            Kitty,
		"TERM=xterm-256color KONSOLE_VERSION=230804":    Kitty,
		"TERM=xterm-256color TERM_PROGRAM=iTerm.app":    ITerm2,
		"TERM=xterm-256color TERM_PROGRAM=WezTerm":      ITerm2,
		"TERM=xterm-256color LC_TERMINAL=iTerm2":        ITerm2, // over ssh
		"TERM=foot":                                     Sixel,
		"TERM=mlterm":                                   Sixel,
		"TERM=screen-256color KITTY_WINDOW_ID=1":        NoGraphics,
		"TERM=xterm-kitty TMUX=/tmp/tmux-0/default,1,0": NoGraphics,
		"TERM=dumb": NoGraphics,
	} {
		getenv := func(name string) string {
			for _, v := range strings.Fields(env) {
				if value, ok := strings.CutPrefix(v, name+"="); ok {
					return value
				}
			}
			return ""
		}
		if got := DetectGraphics(getenv); got != want {
			t.Errorf("%s: %s, want %s", env, got, want)
		}
	}
	if _, err := ParseGraphics("postcards"); err == nil {
		t.Error("postcards are a way to draw")
	}
}

// picture is 130 x 70 with noise, so that it does not fit into one piece.
func picture() *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, 130, 70))
	for i := range img.Pix {
		img.Pix[i] = byte(i * i >> 3)
	}
	for x := range 130 {
		for y := range 70 {
			c := img.NRGBAAt(x, y)
			c.A = 255
			img.SetNRGBA(x, y, c)
		}
	}
	return img
}

func encoded(t *testing.T) (pngFile, gifFile []byte) {
	t.Helper()
	var p, g bytes.Buffer
	if err := png.Encode(&p, picture()); err != nil {
		t.Fatal(err)
	}
	small := image.NewPaletted(image.Rect(0, 0, 3, 2), color.Palette{color.Black, color.White})
	if err := gif.Encode(&g, small, nil); err != nil {
		t.Fatal(err)
	}
	return p.Bytes(), g.Bytes()
}

// TestKitty puts the pieces together again.
func TestKitty(t *testing.T) {
	pngFile, gifFile := encoded(t)
	for _, file := range [][]byte{pngFile, gifFile} {
		var b bytes.Buffer
		if err := kitty(&b, file); err != nil {
			t.Fatal(err)
		}
		commands := strings.Split(strings.TrimSuffix(b.String(), "\x1b\\"), "\x1b\\")
		var text string
		for i, command := range commands {
			keys, data, ok := strings.Cut(strings.TrimPrefix(command, "\x1b_G"), ";")
			want := fmt.Sprintf("m=%d", map[bool]int{true: 1}[i < len(commands)-1])
			if i == 0 {
				want = "f=100,a=T," + want
			}
			if !ok || keys != want || len(data) > 4096 {
				t.Errorf("piece %d of %d has keys %q and %d bytes, want %q", i, len(commands), keys, len(data), want)
			}
			text += data
		}
		content, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := png.Decode(bytes.NewReader(content)); err != nil {
			t.Error(err)
		}
	}
	if err := kitty(new(bytes.Buffer), []byte("no image")); err == nil {
		t.Error("what is no image was drawn")
	}
}

func TestSixel(t *testing.T) {
	pngFile, _ := encoded(t)
	var b bytes.Buffer
	if err := sixels(&b, pngFile); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(b.String(), "\x1bP") || !strings.HasSuffix(b.String(), "\x1b\\") {
		t.Errorf("%.10q ... %q", b.String(), b.String()[b.Len()-4:])
	}
	var img image.Image
	if err := sixel.NewDecoder(&b).Decode(&img); err != nil {
		t.Fatal(err)
	}
	if size := img.Bounds().Size(); size.X != 130 || size.Y < 70 || size.Y > 75 {
		t.Errorf("the image is %v, want 130 x 70", size)
	}
}

func TestITerm2(t *testing.T) {
	pngFile, _ := encoded(t)
	file := filepath.Join(t.TempDir(), "plot.png")
	if err := os.WriteFile(file, pngFile, 0o600); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := ITerm2.draw(&b, file); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("\x1b]1337;File=name=cGxvdC5wbmc=;size=%d;inline=1:%s\a\n", len(pngFile), base64.StdEncoding.EncodeToString(pngFile))
	if b.String() != want {
		t.Errorf("%.60q ...", b.String())
	}
	b.Reset()
	if err := NoGraphics.draw(&b, file); err != nil || b.Len() > 0 {
		t.Errorf("%v, %d bytes drawn where nothing can be", err, b.Len())
	}
	if err := ITerm2.draw(&b, file+".svg"); err != nil || b.Len() > 0 {
		t.Errorf("%v: want no drawing of what terminals don't draw", err)
	}
}

func TestLocalName(t *testing.T) {
	for name, want := range map[string]string{
		"Rplot001.png":       "Rplot001.png",
		"sub/dir/a b.png":    "a b.png",
		`..\..\windows.png`:  "windows.png",
		"../../etc/cron.png": "cron.png",
		".png":               "png",
		"..":                 "plot",
		"":                   "plot",
		"esc\x1b[31m.png":    "esc_[31m.png",
		"a:b|c.png":          "a_b_c.png",
		"日本.png":             "日本.png",
	} {
		if got := localName(name); got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
	}
}
