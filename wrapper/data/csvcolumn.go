package data

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/mlserver-go/mls/wrapper/data/internal/number"
)

// csvColumn has the cells of a column as they were written, each after its length, in blocks that are never copied.
type csvColumn struct {
	name   string
	codec  *number.Codec
	kind   Kind // of the cells so far, "" as long as all are NA
	rows   int
	blocks [][]byte
	size   int // bytes of all cells
	empty  int // cells without any
	na     int // cells that say NA
}

// The blocks of a column begin small, as there may be many columns, and become large.
const (
	firstBlock = 512
	lastBlock  = 1 << 18
)

func (c *csvColumn) add(cell string) {
	need := len(cell) + binary.MaxVarintLen64
	last := len(c.blocks) - 1
	if last < 0 || cap(c.blocks[last])-len(c.blocks[last]) < need {
		size := firstBlock
		if last >= 0 {
			size = min(2*cap(c.blocks[last]), lastBlock)
		}
		c.blocks, last = append(c.blocks, make([]byte, 0, max(size, need))), last+1
	}
	block := binary.AppendUvarint(c.blocks[last], uint64(len(cell)))
	start := len(block)
	block = append(block, cell...)
	c.blocks[last] = block
	c.rows++
	c.size += len(cell)
	switch cell {
	case "":
		c.empty++
	case "NA":
		c.na++
	}
	if c.kind != Character {
		c.see(block[start:])
	}
}

// see makes the column's kind one that fits the cell, too.
func (c *csvColumn) see(cell []byte) {
	if c.isNA(cell) {
		return
	}
	kind := Character
	switch string(cell) {
	case "TRUE", "true", "FALSE", "false":
		kind = Logical
	default:
		_, _, looks, rest := c.codec.Parse(bytes.TrimSpace(cell))
		switch {
		case looks == number.None || len(rest) > 0:
		case looks == number.Whole && c.kind != Numeric:
			kind = Integer
		default:
			kind = Numeric
		}
	}
	switch {
	case c.kind == "" || c.kind == Integer && kind == Numeric:
		c.kind = kind
	case c.kind != kind:
		c.kind = Character
	}
}

func (c *csvColumn) isNA(cell []byte) bool {
	return string(cell) == "NA" || len(cell) == 0 && c.kind != Character
}

func isTrue(cell []byte) bool { return cell[0]|0x20 == 't' }

func (c *csvColumn) each(do func(cell []byte) error) error {
	for _, block := range c.blocks {
		for len(block) > 0 {
			length, n := binary.Uvarint(block)
			end := n + int(length)
			if err := do(block[n:end]); err != nil {
				return err
			}
			block = block[end:]
		}
	}
	return nil
}

// jsonSize is how many bytes appendJSON takes, or a few more or less.
func (c *csvColumn) jsonSize() int {
	size := len(c.name) + 8 + c.size + c.rows
	if c.kind == Character {
		return size + 2*c.rows
	}
	return size + len("null")*c.empty + len("null")*c.na
}

// appendJSON appends the column as a list. Numbers need not be understood for that: they look in JSON as they do here.
func (c *csvColumn) appendJSON(b []byte) ([]byte, error) {
	b = append(b, '[')
	row := 0
	err := c.each(func(cell []byte) (err error) {
		if row > 0 {
			b = append(b, ',')
		}
		switch {
		case c.isNA(cell):
			b = append(b, "null"...)
		case c.kind == Logical && isTrue(cell):
			b = append(b, "true"...)
		case c.kind == Logical:
			b = append(b, "false"...)
		case c.kind == Character:
			if b, err = AppendString(b, string(cell)); err != nil {
				return fmt.Errorf("row %d, counted from 0: %w", row, err)
			}
		default:
			b = append(b, bytes.TrimSpace(cell)...)
		}
		row++
		return nil
	})
	return append(b, ']'), err
}
