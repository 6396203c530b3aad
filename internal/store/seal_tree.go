package store

import (
	"crypto/sha256"
	"math/bits"

	"scrip/internal/ledger"
)

// The prefixes of RFC 9162, which keep a leaf from being taken for a node.
const (
	leafPrefix = 0x00
	nodePrefix = 0x01
)

// sealedForm is the first byte of AppendSealed. Another form has another number.
const sealedForm = 1

// AppendSealed appends a transfer in the form that is sealed: all of it, the same in every driver, and fixed for
// ever, since seals stand on it.
func AppendSealed(b []byte, t *ledger.Transfer) []byte {
	b = appendText(appendText(append(b, sealedForm), t.Customer), string(t.Currency))
	b = append(append(appendInts(b, t.Seq), t.ID[:]...), byte(t.Kind))
	b = appendAccount(appendAccount(b, t.Debit), t.Credit)
	return appendTimes(appendInts(b, t.Amount, t.Balance), t.At)
}

// LeafOf is a transfer's leaf in the tree of its seal.
func LeafOf(t *ledger.Transfer) SealHash {
	var room [256]byte
	return sha256.Sum256(AppendSealed(append(room[:0], leafPrefix), t))
}

// checkOf is the part of a leaf that stands beside a transfer's name in its seal. Eight bytes tell which transfer was
// altered; that one was is proven by the root.
func checkOf(leaf SealHash) (c [checkSize]byte) {
	copy(c[:], leaf[:])
	return c
}

const checkSize = 8

// rootOf is the Merkle tree hash of leaves; without any, the hash of nothing.
func rootOf(leaves []SealHash) SealHash {
	switch len(leaves) {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return leaves[0]
	}
	split := 1 << (bits.Len(uint(len(leaves)-1)) - 1) // the largest power of two below their number
	left, right := rootOf(leaves[:split]), rootOf(leaves[split:])
	var node [1 + 2*sha256.Size]byte
	node[0] = nodePrefix
	copy(node[1:], left[:])
	copy(node[1+sha256.Size:], right[:])
	return sha256.Sum256(node[:])
}
