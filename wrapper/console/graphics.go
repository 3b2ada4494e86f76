package console

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	_ "image/gif"  // images to decode
	_ "image/jpeg" // likewise
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/mattn/go-sixel"
)

// Graphics is how a terminal draws images.
type Graphics string

// What terminals understand.
const (
	NoGraphics Graphics = "none"
	Kitty      Graphics = "kitty"  // kitty, Ghostty, Konsole
	ITerm2     Graphics = "iterm2" // iTerm2, WezTerm, mintty
	Sixel      Graphics = "sixel"  // foot, mlterm, contour, xterm -ti vt340
)

// ParseGraphics reads the name of a way to draw.
func ParseGraphics(name string) (Graphics, error) {
	switch g := Graphics(name); g {
	case NoGraphics, Kitty, ITerm2, Sixel:
		return g, nil
	}
	return "", fmt.Errorf("images are drawn as kitty, iterm2, sixel or none, not %q", name)
}

// DetectGraphics guesses from the environment what the terminal understands. In tmux and screen, which let no images through
// unless told to, it is nothing.
func DetectGraphics(getenv func(string) string) Graphics {
	term, program := getenv("TERM"), getenv("TERM_PROGRAM")
	switch {
	case getenv("TMUX") != "" || strings.HasPrefix(term, "screen") || strings.HasPrefix(term, "tmux"):
		return NoGraphics
	case getenv("KITTY_WINDOW_ID") != "", term == "xterm-kitty", term == "xterm-ghostty", program == "ghostty", getenv("KONSOLE_VERSION") != "":
		return Kitty
	case program == "iTerm.app", program == "WezTerm", program == "mintty", getenv("LC_TERMINAL") == "iTerm2":
		return ITerm2
	case strings.Contains(term, "sixel"), strings.HasPrefix(term, "foot"), strings.HasPrefix(term, "mlterm"), strings.HasPrefix(term, "contour"), strings.HasPrefix(term, "yaft"):
		return Sixel
	}
	return NoGraphics
}

// drawable is the largest file that is drawn, in bytes.
const drawable = 16 << 20

// draw draws an image file, if it is one that terminals draw.
func (g Graphics) draw(w io.Writer, file string) error {
	switch strings.ToLower(filepath.Ext(file)) {
	case ".png", ".jpg", ".jpeg", ".gif":
	default:
		return nil
	}
	if g == NoGraphics || g == "" {
		return nil
	}
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	if info.Size() > drawable {
		return fmt.Errorf("it has %d MiB", info.Size()>>20)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var drawing bytes.Buffer
	switch g {
	case ITerm2:
		iterm2(&drawing, content, filepath.Base(file))
	case Kitty:
		err = kitty(&drawing, content)
	case Sixel:
		err = sixels(&drawing, content)
	}
	if err != nil {
		return err
	}
	drawing.WriteByte('\n')
	_, err = w.Write(drawing.Bytes())
	return err
}

func iterm2(w *bytes.Buffer, content []byte, name string) {
	fmt.Fprintf(w, "\x1b]1337;File=name=%s;size=%d;inline=1:%s\a",
		base64.StdEncoding.EncodeToString([]byte(name)), len(content), base64.StdEncoding.EncodeToString(content))
}

// kitty takes PNG only, in pieces.
func kitty(w *bytes.Buffer, content []byte) error {
	const piece = 4096
	if !bytes.HasPrefix(content, []byte("\x89PNG")) {
		img, _, err := image.Decode(bytes.NewReader(content))
		if err != nil {
			return err
		}
		var b bytes.Buffer
		if err := png.Encode(&b, img); err != nil {
			return err
		}
		content = b.Bytes()
	}
	text := base64.StdEncoding.EncodeToString(content)
	for head := "f=100,a=T,"; ; head = "" {
		n, more := min(len(text), piece), 1
		if n == len(text) {
			more = 0
		}
		fmt.Fprintf(w, "\x1b_G%sm=%d;%s\x1b\\", head, more, text[:n])
		if text = text[n:]; more == 0 {
			return nil
		}
	}
}

func sixels(w *bytes.Buffer, content []byte) error {
	img, _, err := image.Decode(bytes.NewReader(content))
	if err != nil {
		return err
	}
	return sixel.NewEncoder(w).Encode(img)
}
