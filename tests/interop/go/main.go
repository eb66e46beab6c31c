// Interop checks an exported trail with Go's golang.org/x/mod/sumdb: another hand's notes, tiles and proofs.
//
// It believes the bundle's newest checkpoint only by its signature, reads every hash through tiles that are verified
// against its root, compares each entry with its leaf, and proves inclusion of every entry, and consistency from every
// older checkpoint.
package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

// bundle reads tiles from a folder as C2SP tlog-tiles lays them out.
type bundle struct{ folder string }

func (b bundle) Height() int { return height }

func (b bundle) SaveTiles([]tlog.Tile, [][]byte) {}

func (b bundle) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var read [][]byte
	for _, tile := range tiles {
		// Go's path has the height in it: tile/8/0/000.
		path := strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", height), "tile/", 1)
		content, err := os.ReadFile(filepath.Join(b.folder, path))
		if errors.Is(err, os.ErrNotExist) && tile.W < 1<<height {
			full := tile
			full.W = 1 << height
			path = strings.Replace(full.Path(), fmt.Sprintf("tile/%d/", height), "tile/", 1)
			content, err = os.ReadFile(filepath.Join(b.folder, path))
			if err == nil {
				content = content[:tile.W*tlog.HashSize]
			}
		}
		if err != nil {
			return nil, err
		}
		read = append(read, content)
	}
	return read, nil
}

func checkpoint(signed []byte, known note.Verifiers) (tlog.Tree, error) {
	opened, err := note.Open(signed, known)
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return tlog.Tree{}, errors.New("no root")
	}
	return tlog.Tree{N: size, Hash: tlog.Hash(root)}, nil
}

func entries(folder string, size int64) ([][]byte, error) {
	var all [][]byte
	for number := int64(0); number*256 < size; number++ {
		width := min(256, size-number*256)
		tile := tlog.Tile{H: height, L: -1, N: number, W: int(width)}
		path := strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/data/", height), "tile/entries/", 1)
		content, err := os.ReadFile(filepath.Join(folder, path))
		if err != nil {
			return nil, err
		}
		for len(content) > 0 {
			length := int(content[0])<<8 | int(content[1])
			all = append(all, content[2:2+length])
			content = content[2+length:]
		}
	}
	return all, nil
}

func olderCheckpoints(folder string, known note.Verifiers) ([]tlog.Tree, error) {
	content, err := os.ReadFile(filepath.Join(folder, "checkpoints"))
	if err != nil {
		return nil, err
	}
	var trees []tlog.Tree
	for len(content) > 0 {
		line, rest, _ := bytes.Cut(content, []byte("\n"))
		length, err := strconv.Atoi(string(line))
		if err != nil {
			return nil, err
		}
		tree, err := checkpoint(rest[:length], known)
		if err != nil {
			return nil, err
		}
		trees = append(trees, tree)
		content = rest[length:]
	}
	return trees, nil
}

func check(folder, vkey string) error {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return err
	}
	known := note.VerifierList(verifier)
	signed, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	if err != nil {
		return err
	}
	tree, err := checkpoint(signed, known)
	if err != nil {
		return err
	}
	reader := tlog.TileHashReader(tree, bundle{folder})
	all, err := entries(folder, tree.N)
	if err != nil {
		return err
	}
	if int64(len(all)) != tree.N {
		return fmt.Errorf("%d entries, the checkpoint says %d", len(all), tree.N)
	}
	for index, entry := range all {
		proof, err := tlog.ProveRecord(tree.N, int64(index), reader)
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, int64(index), tlog.RecordHash(entry)); err != nil {
			return fmt.Errorf("entry %d: %w", index, err)
		}
	}
	older, err := olderCheckpoints(folder, known)
	if err != nil {
		return err
	}
	for _, before := range older {
		if before.N == 0 {
			continue
		}
		proof, err := tlog.ProveTree(tree.N, before.N, reader)
		if err != nil {
			return err
		}
		if err := tlog.CheckTree(proof, tree.N, tree.Hash, before.N, before.Hash); err != nil {
			return fmt.Errorf("checkpoint of %d entries: %w", before.N, err)
		}
	}
	fmt.Printf("Go agrees: %d entries included, %d checkpoints consistent.\n", len(all), len(older))
	return nil
}

func main() {
	if err := check(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
