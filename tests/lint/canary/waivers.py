a_seed = 1  # repro: allow hardcoded-seed until 2027-06-30: published so
# repro: allow hardcoded-seed until 2027-06-30: published so
b_seed = 1
# repro: allow hardcoded-seed until 2027-06-30: published so

# another comment
c_seed = 1
d_seed = 1  # noqa  # repro: allow L102 until 2027-06-30: by its code
e_seed = f(learning_rate=0.1)  # repro: allow hardcoded-hyperparameter until 2027-06-30: as found
text = "# repro: allow hardcoded-seed until 2027-06-30: a text is no comment"
f_seed = 1  # repro: alow hardcoded-seed until 2027-06-30: no waiver  # expect: hardcoded-seed
g_seed = 1  # repro: allow hardcoded-seed  # expect: hardcoded-seed, malformed-waiver
h_seed = 1  # repro: allow hardcoded-seed: no end  # expect: hardcoded-seed, malformed-waiver
i_seed = 1  # repro: allow hardcoded-seed until 2027-06-30  # expect: hardcoded-seed, malformed-waiver
k_seed = 1  # repro: allow hardcoded-seed until 2027-02-30: no such day  # expect: hardcoded-seed, malformed-waiver
l_seed = 1  # repro: allow hardcoded-seed until soon: no day  # expect: hardcoded-seed, malformed-waiver
m_seed = 1  # repro: allow hardcoded-speed until 2027-06-30: no such rule  # expect: hardcoded-seed, unknown-rule-in-waiver
n_seed = 1  # repro: allow hardcoded-seed until 2026-11-23: over  # expect: hardcoded-seed, expired-waiver
o_seed = 1  # repro: allow hardcoded-seed until 2026-11-24: the last day
p = 1  # repro: allow hardcoded-seed until 2027-06-30: for nothing  # expect: unused-waiver
q_seed = 1  # repro: allow set-order until 2027-06-30: another rule  # expect: hardcoded-seed, unused-waiver
r_seed = f(learning_rate=0.1, seed=2)  # repro: allow hardcoded-seed, L101 until 2027-06-30: two rules
s_seed = 1  # repro: allow hardcoded-seed, L101 until 2027-06-30: two rules  # expect: unused-waiver
t_seed = 1  # repro: allow unused-waiver until 2027-06-30: not this  # expect: hardcoded-seed, unknown-rule-in-waiver
