package tuning

// Placement says on which nodes pages are put when they are first touched. The
// values are the kernel's, see set_mempolicy(2).
type Placement int

const (
	// Local puts pages on the node of the thread that touches them first.
	Local Placement = 0
	// Preferred takes the first of the nodes while it has memory, else others.
	Preferred Placement = 1
	// Bound takes the nodes and no others.
	Bound Placement = 2
	// Interleaved takes the nodes in turn, page by page.
	Interleaved Placement = 3
)
