// The Fibonacci loop of the cases in C, in several forms: what a contract could
// cost at best. The program first prints which compiler made it and the names of
// its forms; then, for each line "FORM N" that it reads, how many nanoseconds N
// rounds took and the number that they gave, in hexadecimal.
#if defined(__x86_64__)
#include <immintrin.h>
#endif
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

typedef unsigned __int128 u128;
typedef struct { uint64_t limb[4]; } word;

// Each form starts with a = 0, b = 1 and n rounds of a, b = b, a + b. The word in
// memory that it starts from keeps the compiler from knowing what comes out.
#define FIBONACCI(name, type, load, add, store)                       \
	__attribute__((noinline)) static word name(const word *one, uint64_t n) { \
		type a = load(&(word){{0}}), b = load(one);                   \
		for (; n; n--) {                                              \
			type sum = add(a, b);                                     \
			a = b;                                                    \
			b = sum;                                                  \
		}                                                             \
		return store(a);                                              \
	}

static inline word same(const word *x) { return *x; }
static inline word keep(word x) { return x; }

#if defined(__x86_64__)
// Variables of their own, for gcc makes vectors of the members of a structure.
__attribute__((noinline)) static word fibonacci_carry(const word *one, uint64_t n) {
	unsigned long long a0 = 0, a1 = 0, a2 = 0, a3 = 0;
	unsigned long long b0 = one->limb[0], b1 = one->limb[1], b2 = one->limb[2], b3 = one->limb[3];
	for (; n; n--) {
		unsigned long long sum0, sum1, sum2, sum3;
		unsigned char carry = _addcarry_u64(0, a0, b0, &sum0);
		carry = _addcarry_u64(carry, a1, b1, &sum1);
		carry = _addcarry_u64(carry, a2, b2, &sum2);
		_addcarry_u64(carry, a3, b3, &sum3);
		a0 = b0, a1 = b1, a2 = b2, a3 = b3;
		b0 = sum0, b1 = sum1, b2 = sum2, b3 = sum3;
	}
	return (word){{a0, a1, a2, a3}};
}
#endif

static inline word add_limbs(word x, word y) {
	u128 sum = 0;
	for (int k = 0; k < 4; k++) {
		sum += (u128)x.limb[k] + y.limb[k];
		x.limb[k] = (uint64_t)sum;
		sum >>= 64;
	}
	return x;
}
FIBONACCI(fibonacci_limbs, word, same, add_limbs, keep)

typedef struct { u128 low, high; } pair;
static inline pair load_pair(const word *x) {
	return (pair){(u128)x->limb[1] << 64 | x->limb[0], (u128)x->limb[3] << 64 | x->limb[2]};
}
static inline pair add_pair(pair x, pair y) {
	u128 low = x.low + y.low;
	return (pair){low, x.high + y.high + (low < x.low)};
}
static inline word store_pair(pair x) {
	return (word){{(uint64_t)x.low, (uint64_t)(x.low >> 64), (uint64_t)x.high, (uint64_t)(x.high >> 64)}};
}
FIBONACCI(fibonacci_pairs, pair, load_pair, add_pair, store_pair)

#if defined(__BITINT_MAXWIDTH__) && __BITINT_MAXWIDTH__ >= 256
typedef unsigned _BitInt(256) wide;
static inline wide load_wide(const word *x) {
	return (wide)x->limb[3] << 192 | (wide)x->limb[2] << 128 | (wide)x->limb[1] << 64 | x->limb[0];
}
static inline wide add_wide(wide x, wide y) { return x + y; }
static inline word store_wide(wide x) {
	return (word){{(uint64_t)x, (uint64_t)(x >> 64), (uint64_t)(x >> 128), (uint64_t)(x >> 192)}};
}
FIBONACCI(fibonacci_bitint, wide, load_wide, add_wide, store_wide)
#endif

static inline uint64_t load_64(const word *x) { return x->limb[0]; }
static inline uint64_t add_64(uint64_t x, uint64_t y) { return x + y; }
static inline word store_64(uint64_t x) { return (word){{x}}; }
FIBONACCI(fibonacci_64, uint64_t, load_64, add_64, store_64)

static const struct {
	const char *name;
	word (*run)(const word *, uint64_t);
} forms[] = {
#if defined(__x86_64__)
	{"256carry", fibonacci_carry},
#endif
	{"256limbs", fibonacci_limbs},
	{"256pairs", fibonacci_pairs},
#if defined(__BITINT_MAXWIDTH__) && __BITINT_MAXWIDTH__ >= 256
	{"256bitint", fibonacci_bitint},
#endif
	{"64", fibonacci_64},
};
enum { form_count = sizeof forms / sizeof *forms };

static int64_t now(void) {
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); // as the other long runs
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

int main(void) {
#if defined(__clang__)
	printf("clang");
#else
	printf("gcc");
#endif
	for (int i = 0; i < form_count; i++)
		printf(" %s", forms[i].name);
	printf("\n");
	fflush(stdout);

	static volatile uint64_t unit = 1;
	char name[16];
	uint64_t n;
	while (scanf("%15s %" SCNu64, name, &n) == 2) {
		for (int i = 0; i < form_count; i++) {
			if (strcmp(forms[i].name, name))
				continue;
			word one = {{unit}};
			int64_t start = now();
			word x = forms[i].run(&one, n);
			int64_t elapsed = now() - start;
			printf("%" PRId64 " %016" PRIx64 "%016" PRIx64 "%016" PRIx64 "%016" PRIx64 "\n",
				elapsed, x.limb[3], x.limb[2], x.limb[1], x.limb[0]);
			fflush(stdout);
		}
	}
	return 0;
}
