package producer

import "container/heap"

// accountHeap is a priority queue of accounts that knows where each account
// stands in it, so that one whose rank changed is moved in O(log n).
type accountHeap struct {
	accounts []*account
	before   func(a, b *account) bool
	position func(a *account) *int // where the account keeps its index; notInHeap if none
}

const notInHeap = -1

func (h *accountHeap) Len() int           { return len(h.accounts) }
func (h *accountHeap) Less(i, j int) bool { return h.before(h.accounts[i], h.accounts[j]) }

func (h *accountHeap) Swap(i, j int) {
	h.accounts[i], h.accounts[j] = h.accounts[j], h.accounts[i]
	*h.position(h.accounts[i]), *h.position(h.accounts[j]) = i, j
}

func (h *accountHeap) Push(x any) {
	a := x.(*account)
	*h.position(a) = len(h.accounts)
	h.accounts = append(h.accounts, a)
}

func (h *accountHeap) Pop() any {
	last := len(h.accounts) - 1
	a := h.accounts[last]
	h.accounts[last] = nil
	h.accounts = h.accounts[:last]
	*h.position(a) = notInHeap
	return a
}

// top returns the first account, or nil.
func (h *accountHeap) top() *account {
	if len(h.accounts) == 0 {
		return nil
	}
	return h.accounts[0]
}

// place puts the account where its rank belongs, or takes it out.
func (h *accountHeap) place(a *account, in bool) {
	at := *h.position(a)
	switch {
	case in && at == notInHeap:
		heap.Push(h, a)
	case in:
		heap.Fix(h, at)
	case at != notInHeap:
		heap.Remove(h, at)
	}
}
